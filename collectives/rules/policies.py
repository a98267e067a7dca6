"""Policies of collectives."""

from __future__ import annotations

from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, Link
from harmonic.kernel.registry import path_to

ASK_AN_ADMIN = "Ask an admin of the collective."
NO_ADMINS_IN_MAIN = (
    "The main collective has no admins of its own. A tenant admin can change its name and"
    " timezone at /tenant-admin/settings."
)
WORKSPACE_HAS_NONE = "A private workspace has no other members and no settings."
WHO_COMES_IN = "People join with an invitation. Only the person who manages an agent can add it."


def is_member(access: Access, target: object) -> Denied | None:
    if access.is_member:
        return None
    return Denied("You are not a member of this collective", WHO_COMES_IN)


def is_collective_admin(access: Access, target: object) -> Denied | None:
    if access.is_collective_admin and not access.required_place.is_workspace:
        return None
    if access.place is not None and access.required_place.is_main:
        return must_be_admin(NO_ADMINS_IN_MAIN)
    if access.place is not None and access.required_place.is_workspace:
        return must_be_admin(WORKSPACE_HAS_NONE)
    return must_be_admin(ASK_AN_ADMIN, links=_members(access))


def admins_can(access: Access) -> str:
    """Tell an agent who can do what only people who are admins here may do."""
    if access.required_place.is_main:
        return NO_ADMINS_IN_MAIN
    if access.required_place.is_workspace:
        return WORKSPACE_HAS_NONE
    return "An admin of the collective can do it."


def must_be_admin(hint: str, links: tuple[Link, ...] = ()) -> Denied:
    """Return the denial of an action that only admins of the collective may do."""
    return Denied("Unauthorized: must be admin", hint, links=links, heading="Must be admin")


def may_invite(access: Access, target: object) -> Denied | None:
    if access.membership is not None and access.membership.may_invite:
        return None
    if access.place is not None and access.required_place.is_workspace:
        return Denied("You do not have permission to invite people here.", WORKSPACE_HAS_NONE)
    return Denied(
        "You do not have permission to invite people here.",
        "Its admins can invite people, and can allow every member to invite.",
        links=_members(access),
    )


def _members(access: Access) -> tuple[Link, ...]:
    """Return the link to the members page, which names the admins.

    The main collective has no admins, and an archived one shows only its settings.
    """
    place = access.place
    if place is None or place.is_main or place.is_archived:
        return ()
    return (Link("Members", path_to("collectives.members", place.path)),)


def may_leave(access: Access, target: object) -> Denied | None:
    """Allow members of a standard collective. The effect refuses the last admin."""
    place = access.required_place
    if place.is_main or place.is_workspace:
        return Denied("You cannot leave this collective.", "Everyone in the tenant belongs to it.")
    return is_member(access, target)


def may_add_agents(access: Access, target: object) -> Denied | None:
    return _has_no_agents_of_choice(access) or may_invite(access, target)


def may_remove_agents(access: Access, target: object) -> Denied | None:
    return _has_no_agents_of_choice(access) or is_member(access, target)


def _has_no_agents_of_choice(access: Access) -> Denied | None:
    """Return the denial if agents cannot be added to or removed from this collective."""
    if access.place is None:
        return None
    if access.required_place.is_workspace:
        return Denied(
            "Cannot add other users to a private workspace",
            "Create a collective to share, at /collectives/new.",
        )
    if access.required_place.is_main:
        return Denied(
            "Agents cannot be added to or removed from the main collective.",
            "Every agent belongs to it. The person who manages the agent can deactivate it in its"
            " settings.",
        )
    return None
