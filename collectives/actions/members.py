"""Actions that change members' roles and remove members."""

from __future__ import annotations

from typing import Any

from accounts import rules as people_rules
from accounts.queries import people, person_named
from accounts.security_words import LogEntry
from collectives import queries
from collectives.models import CollectiveMember
from collectives.rules.invites import expire_unbacked_invites
from collectives.rules.members import (
    AGENT_REMOVED,
    NEW_ADMIN_FIRST,
    REMOVED,
    agents_left_note,
    end_membership,
    is_last_admin,
    lock_members,
)
from collectives.rules.policies import (
    ASK_AN_ADMIN,
    admins_can,
    is_collective_admin,
    is_member,
    must_be_admin,
)
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Choice, Flag, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Denied, Forbidden, Link, NotFound, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope


class RoleParams(Params):
    user_handle = Line(
        label="Handle", help_text="The member's handle.", widget=Widget(is_chosen_before=True)
    )
    role = Choice(
        [("admin", "Admin"), ("representative", "Representative")],
        help_text="The role.",
        widget=Widget(
            kind="radios",
            initial="admin",
            help="",
            options=[
                ("admin", "Admin", "Can change settings, roles and members."),
                ("representative", "Representative", "Can represent the collective."),
            ],
        ),
    )
    grant = Flag(
        label="Change",
        help_text="true to grant the role, false to remove it.",
        widget=Widget(
            kind="radios",
            initial="true",
            help="",
            options=[("true", "Grant the role"), ("false", "Remove the role")],
        ),
    )


class MemberParams(Params):
    user_handle = Line(
        label="Handle", help_text="The member's handle.", widget=Widget(is_chosen_before=True)
    )


def _chosen_member(access: Access) -> CollectiveMember | None:
    """Return the member that the query of a form's page names, if any."""
    person = person_named(access.query.get("user_handle", ""), access)
    row = queries.membership_of(access.required_place.id, person) if person else None
    return row if row is not None and row.archived_at is None else None


def _facts(row: CollectiveMember) -> tuple[tuple[str, Any], ...]:
    user_id = row.person.user_id
    roles = ", ".join(row.roles) or "None"
    shown = people([user_id])[user_id]
    return (("Member", shown), ("Roles", roles), ("Joined", row.created_at))


def _ask_about_roles(access: Access, target: object) -> Confirmation:
    row = _chosen_member(access)
    if row is None:
        return Confirmation("Change a role")
    return Confirmation(f"Roles of {row.person.display_name}", _facts(row))


def _ask_to_remove(access: Access, target: object) -> Confirmation:
    row = _chosen_member(access)
    if row is None:
        return Confirmation("Remove a member", consequence=REMOVED)
    heading = f"Remove “{row.person.display_name}” from {access.required_place.name}?"
    if row.person.user.is_agent:
        return Confirmation(heading, _facts(row), AGENT_REMOVED)
    return Confirmation(heading, (*_facts(row), *agents_leaving(row)), REMOVED)


def agents_leaving(row: CollectiveMember) -> tuple[tuple[str, Any], ...]:
    """Return the row of a confirmation page that names the agents that leave with a member."""
    agents = queries.agent_rows(row.collective_id, row.person.user_id)
    names = ", ".join(each.person.display_name for each in agents)
    return (("Agents that leave too", names or "None"),)


def member_named(access: Access, handle: str) -> CollectiveMember:
    """Lock the membership of the collective and return a member by handle.

    Inactive people are included, because their membership can be ended.

    Raises:
        NotFound: no member has this handle.
    """
    lock_members(access.required_place.id)
    person = person_named(handle, access)
    row = queries.membership_of(access.required_place.id, person) if person else None
    if row is None or row.archived_at is not None:
        raise NotFound("Member not found")
    return row


def may_manage_roles(access: Access, target: object) -> Denied | None:
    if access.place is not None and access.required_place.is_main:
        return Denied(
            "The main collective uses the roles of the tenant.",
            "A tenant admin can change them at /tenant-admin/users.",
        )
    return is_collective_admin(access, target)


def _update_roles(
    access: Access, target: object, *, user_handle: str, role: str, grant: bool
) -> Outcome:
    row = member_named(access, user_handle)
    if row.person.archived_at is not None:
        raise Forbidden.because(people_rules.inactive(row.person))
    if role == "admin" and not grant:
        _refuse_to_take_admin(access, row)
    is_changed = getattr(row, f"is_{role}") != grant
    setattr(row, f"is_{role}", grant)
    row.save(update_fields=[f"is_{role}"])
    if not grant:
        expire_unbacked_invites(row.collective_id, access.now)
    done = "is now" if grant else "is no longer"
    facts = {"about": people_rules.person_reference(row.person), "role": role, "grant": grant}
    return Outcome(
        f"{row.person.display_name} {done} {role}.",
        path_to("collectives.members", access.required_place.path),
        facts=facts if is_changed else None,
    )


def _refuse_to_take_admin(access: Access, row: CollectiveMember) -> None:
    if queries.current_collective(access).created_by_id == row.person.user_id:
        raise Forbidden(
            "The creator of a collective stays its admin.",
            hint="This role cannot be removed from the creator.",
        )
    if is_last_admin(row):
        raise Forbidden(
            "You cannot remove the admin role from the last admin.", hint=NEW_ADMIN_FIRST
        )


def _role_changed(entry: LogEntry) -> str:
    verb = "was made" if entry.data.get("grant") else "is no longer"
    return f"{entry.subject} {verb} {entry.data.get('role')} of {entry.where}"


update_member_roles: Action[object] = Action(
    name="update_member_roles",
    sentence="Grant a role to a member, or remove it.",
    label="Change role",
    scope=Scope("update:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.role_changed",
    params=RoleParams,
    policy=may_manage_roles,
    effect=_update_roles,
    logged=Logged(audit.ADMIN_ACTION, _role_changed),
    confirm=_ask_about_roles,
    people_only="Only people can change roles.",
    for_agents=admins_can,
)


def may_remove_members(access: Access, target: object) -> Denied | None:
    """Allow members. The effect requires an admin or the parent of the agent."""
    if access.place is not None and (
        access.required_place.is_main or access.required_place.is_workspace
    ):
        return Denied(
            "Members cannot be removed from this collective.",
            "A tenant admin can remove people from the tenant at /tenant-admin/users.",
        )
    return is_member(access, target)


def _remove(access: Access, target: object, *, user_handle: str) -> Outcome:
    row = member_named(access, user_handle)
    person = row.person
    is_own_agent = people_rules.is_parent_of(access, person)
    if not (access.is_collective_admin or is_own_agent):
        raise Forbidden.because(must_be_admin(ASK_AN_ADMIN))
    if row.person_id == access.user.person_id:
        raise Forbidden(
            "You cannot remove yourself. Leave the collective instead.",
            hint="You can leave on the members page.",
            links=[Link("Members", path_to("collectives.members", access.required_place.path))],
        )
    if queries.current_collective(access).created_by_id == person.user_id:
        raise Forbidden(
            "The creator of a collective cannot be removed.", hint="They can leave it themselves."
        )
    agents = end_membership(access, row)
    return Outcome(
        f"{person.display_name} was removed.",
        path_to("collectives.members", access.required_place.path),
        notes=agents_left_note(agents),
        facts={"about": people_rules.person_reference(person)},
    )


def removed_from_collective(entry: LogEntry) -> str:
    """Return the security log's sentence about the end of a membership."""
    removed = f"{entry.subject} was removed from {entry.where}"
    if entry.data.get("reason") == "parent_left":
        return f"{removed}: the person who manages it is no longer a member"
    return removed


remove_member: Action[object] = Action(
    name="remove_member",
    sentence="Remove a member and the member's agents from this collective.",
    label="Remove",
    scope=Scope("delete:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.removed",
    params=MemberParams,
    policy=may_remove_members,
    is_offered=lambda access, target: access.is_collective_admin,
    effect=_remove,
    logged=Logged(audit.ADMIN_ACTION, removed_from_collective),
    is_dangerous=True,
    confirm=_ask_to_remove,
    people_only="Only people can remove members.",
    for_agents=admins_can,
)
