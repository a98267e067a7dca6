"""Actions to join a collective, leave it and manage its invitation link."""

from __future__ import annotations

from uuid import UUID

from accounts.models import TenantUser
from accounts.security_words import LogEntry, day
from collectives import queries
from collectives.actions.collective import resource
from collectives.actions.members import agents_leaving
from collectives.models import CollectiveMember, Invite
from collectives.rules.invites import (
    end_personal_invites,
    invite_refusal,
    new_invite,
    revoke_links,
)
from collectives.rules.members import add_member, agents_left_note, end_membership, lock_members
from collectives.rules.policies import admins_can, may_invite, may_leave
from harmonic.kernel.access import Access, CollectiveKind
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome, ResourceRef
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import AGENTS_DO_NOT_JOIN, Conflict, Denied, Proof, Refused
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope


class JoinParams(Params):
    code = Line(
        required=False,
        allow_blank=True,
        help_text="The code of an invitation to this collective.",
        widget=Widget(is_required=True, help=""),
    )


def may_join(access: Access, target: object) -> Denied | None:
    if access.place is not None and access.required_place.kind != CollectiveKind.STANDARD:
        return Denied(
            "Cannot join a private workspace", "A private workspace belongs to its owner only."
        )
    return None


def _join(access: Access, target: object, *, code: str = "") -> Outcome:
    collective = lock_members(access.required_place.id)
    person = TenantUser.objects.select_related("user").get(id=access.user.person_id)
    row = queries.membership_of(collective.id, person)
    if row is not None and row.archived_at is None:
        raise Refused("User is already a member of this collective", status=400, code="invalid")
    invite = queries.usable_invite(access, code)
    if invite is None:
        raise invite_refusal(access, code)
    add_member(collective, person, now=access.now, invite=invite)
    # A personal invite works once. Joining through a link uses it up as well.
    end_personal_invites(collective.id, access.user.user_id, access.now)
    return Outcome(
        f"You have joined {collective.name}.",
        collective.path,
        resource(collective),
        collective,
        facts={"invite_id": invite.id, "inviter_id": invite.created_by_id},
    )


def _joined(entry: LogEntry) -> str:
    inviter = entry.data.get("inviter_id")
    invited = f", invited by {entry.named(UUID(inviter))}" if inviter else ""
    return f"Joined {entry.where}{invited}"


join_collective: Action[object] = Action(
    name="join_collective",
    sentence="Join this collective with an invitation.",
    label="Join",
    scope=Scope("create:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.joined",
    params=JoinParams,
    policy=may_join,
    is_offered=lambda access, target: not access.is_member,
    effect=_join,
    logged=Logged(audit.USER_ACTION, _joined),
    people_only="Only people can join collectives.",
    for_agents=lambda access: AGENTS_DO_NOT_JOIN,
    audience="shared",
)


def _leave(access: Access, target: object) -> Outcome:
    lock_members(access.required_place.id)
    row = _own_row(access)
    if row is None:
        raise Conflict(
            "You are no longer a member.", hint="You left the collective or were removed from it."
        )
    agents = end_membership(access, row)
    return Outcome(
        f"You have left {access.required_place.name}.",
        "/collectives",
        notes=agents_left_note(agents),
    )


def _own_row(access: Access) -> CollectiveMember | None:
    rows = CollectiveMember.objects.active().select_related("person__user")
    found: CollectiveMember | None = rows.filter(
        collective=access.required_place.id, person=access.user.person_id
    ).first()
    return found


def _ask_to_leave(access: Access, target: object) -> Confirmation:
    row = _own_row(access)
    return Confirmation(
        f"Leave “{access.required_place.name}”?",
        agents_leaving(row) if row else (),
        "You, your agents and your tokens lose access immediately. What you wrote stays."
        " To rejoin, you need an invitation made after you left.",
    )


def _left(entry: LogEntry) -> str:
    return f"Left {entry.where}"


def removed_by_parent(access: Access) -> str:
    """Return the hint for an agent that cannot leave: who can remove it."""
    if access.required_place.is_main:
        return "Everyone in the tenant belongs to the main collective."
    return "The person who manages the agent can remove it on the collective's members page."


leave_collective: Action[object] = Action(
    name="leave_collective",
    sentence=(
        "Leave this collective, with your agents. To rejoin, you need an invitation made after"
        " you left."
    ),
    label="Leave collective",
    scope=Scope("delete:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.left",
    policy=may_leave,
    effect=_leave,
    logged=Logged(audit.USER_ACTION, _left),
    is_dangerous=True,
    confirm=_ask_to_leave,
    people_only="Only people can leave collectives.",
    for_agents=removed_by_parent,
)


def _invite(access: Access, target: object) -> Outcome:
    lock_members(access.required_place.id)
    found, facts = queries.shareable_invite(access.required_place.id, access.now), None
    if found is None or _is_outdated(access, found):
        found = new_invite(access)
        facts = {"invite_id": found.id, "expires_at": found.expires_at}
    path = f"{path_to('collectives.join', access.required_place.path)}?code={found.code}"
    return Outcome(
        "The invitation link is ready.",
        path_to("collectives.invite", access.required_place.path),
        ResourceRef("Invite", found.code, path),
        found,
        facts=facts,
    )


def _is_outdated(access: Access, invite: Invite) -> bool:
    """Return whether to replace a link: it expires soon, or it excludes former members."""
    is_ending = invite.expires_at - access.now <= Invite.REUSED_ABOVE
    return is_ending or queries.is_closed_to_former_members(invite)


def _invited(entry: LogEntry) -> str:
    expires_at = entry.data.get("expires_at")
    until = f", valid until {day(expires_at)}" if expires_at else ""
    return f"Created an invitation to {entry.where}{until}"


create_invite: Action[object] = Action(
    name="create_invite",
    sentence="Create an invitation link. For one week, people of this tenant can join with it.",
    label="Create invitation link",
    scope=Scope("create:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="invite.created",
    policy=may_invite,
    effect=_invite,
    logged=Logged(audit.USER_ACTION, _invited),
    people_only="Only people can create invitations.",
    for_agents=admins_can,
)


def _revoke(access: Access, target: object) -> Outcome:
    lock_members(access.required_place.id)
    count = revoke_links(access.required_place.id, access.now)
    path = path_to("collectives.invite", access.required_place.path)
    if not count:
        return Outcome("There was no invitation link to revoke.", path, facts=None)
    return Outcome("The invitation link was revoked and no longer works.", path)


def _link_revoked(entry: LogEntry) -> str:
    return f"Revoked the invitation link to {entry.where}"


revoke_invite: Action[object] = Action(
    name="revoke_invite",
    sentence="Revoke the invitation link. People who joined with it remain members.",
    label="Revoke link",
    scope=Scope("delete:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="invite.revoked",
    policy=may_invite,
    is_offered=lambda access, target: bool(
        queries.shareable_invite(access.required_place.id, access.now)
    ),
    effect=_revoke,
    logged=Logged(audit.USER_ACTION, _link_revoked),
    is_dangerous=True,
    confirm="Revoke the invitation link?",
    people_only="Only people can revoke invitations.",
    for_agents=admins_can,
)
