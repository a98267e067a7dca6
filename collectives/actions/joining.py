"""Joining a collective, leaving it, and inviting others."""

from __future__ import annotations

from typing import Any

from accounts.models import TenantUser
from collectives import queries, rules
from collectives.actions.collective import resource
from collectives.models import CollectiveMember, Invite
from harmonic.kernel import audit
from harmonic.kernel.access import Access, CollectiveKind, Denied, Link, NotFound, Proof, Refused
from harmonic.kernel.actions import Action, Confirmation, Outcome, Resource
from harmonic.kernel.fields import Line, Params


class JoinParams(Params):
    code = Line(
        required=False,
        allow_blank=True,
        help_text="The code of an invitation to this collective.",
        style={"required": True, "help": ""},
    )


def may_join(access: Access, target: Any) -> Denied | None:
    if access.place is not None and access.here.kind != CollectiveKind.STANDARD:
        return Denied("Cannot join a private workspace", "It is its owner's alone.")
    return None


def _join(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    if access.is_member:
        raise Refused("User is already a member of this collective", status=400, code="duplicate")
    invite = queries.usable_invite(access, params.get("code", ""))
    if invite is None:
        raise NotFound(
            "Valid invite required to join this collective",
            hint="The code is not valid or has expired. Ask a member for a new one.",
            links=[Link("Try another code", f"{access.here.path}/join")],
        )
    invite_id, collective = invite.id, queries.here(access)
    person = TenantUser.objects.get(id=access.user.person_id)
    rules.add_member(collective, person, now=access.now)
    if invite.invited_user_id is not None:
        invite.delete()
    return Outcome(
        f"You have joined {collective.name}.",
        collective.path,
        resource(collective),
        collective,
        facts={"invite_id": invite_id, "inviter_id": invite.created_by_id},
    )


join_collective = Action(
    name="join_collective",
    sentence="Join this collective with an invitation.",
    label="Join",
    scope="create:all",
    proof=Proof.NONE,
    changes_access=True,
    params=JoinParams,
    policy=may_join,
    is_offered=lambda access, target: not access.is_member,
    effect=_join,
    event=audit.USER_ACTION,
    people_only="Only people can join collectives.",
    audience="shared",
)


def _leave(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    row = CollectiveMember.objects.active().get(
        collective=access.here.id, person=access.user.person_id
    )
    rules.remove_member(row, access.now)
    return Outcome(f"You have left {access.here.name}.", "/collectives")


leave_collective = Action(
    name="leave_collective",
    sentence="Leave this collective. You need a new invitation to come back.",
    label="Leave collective",
    scope="delete:all",
    proof=Proof.NONE,
    changes_access=True,
    policy=rules.may_leave,
    effect=_leave,
    event=audit.USER_ACTION,
    is_dangerous=True,
    confirm=lambda access, target: Confirmation(
        f"Leave “{access.here.name}”?",
        consequence="You and your tokens see nothing of it from then on, and you need a new"
        " invitation to come back. What you wrote stays.",
    ),
    people_only="Only people can leave collectives.",
)


def _invite(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    found, facts = queries.shareable_invite(access.here.id, access.now), None
    if found is None or found.expires_at - access.now <= Invite.REUSED_ABOVE:
        found = rules.new_invite(access)
        facts = {"invite_id": found.id, "expires_at": found.expires_at}
    path = f"{access.here.path}/join?code={found.code}"
    return Outcome(
        "The invitation link is ready.",
        f"{access.here.path}/invite",
        Resource("Invite", found.code, path),
        found,
        facts=facts,
    )


create_invite = Action(
    name="create_invite",
    sentence="Get an invitation link that lets people of this tenant join for a week.",
    label="Get an invitation link",
    scope="create:all",
    proof=Proof.NONE,
    changes_access=False,
    policy=rules.may_invite,
    effect=_invite,
    event=audit.USER_ACTION,
    people_only="Only people can invite.",
)
