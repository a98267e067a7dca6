"""Policies of collectives: who may do what in them."""

from __future__ import annotations

from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Denied, Link
from harmonic.kernel.registry import path_to

ASK_AN_ADMIN = "An admin of the collective can do it for you."
WHO_COMES_IN = "People join with an invitation; an agent is added by the human who manages it."


def is_member(access: Access, target: object) -> Denied | None:
    if access.is_member:
        return None
    return Denied("You are not a member of this collective", WHO_COMES_IN)


def is_collective_admin(access: Access, target: object) -> Denied | None:
    if access.is_collective_admin and not access.here.is_workspace:
        return None
    if access.place is not None and access.here.is_main:
        return must_be_admin(
            "The main collective has no admins of its own. A tenant admin changes its name and"
            " timezone at /tenant-admin/settings.",
        )
    return must_be_admin(ASK_AN_ADMIN, links=_members(access))


def must_be_admin(hint: str, links: tuple[Link, ...] = ()) -> Denied:
    """Return the denial of what only admins of the collective may do."""
    return Denied("Unauthorized: must be admin", hint, links=links, heading="Must be admin")


def may_invite(access: Access, target: object) -> Denied | None:
    if access.membership is not None and access.membership.may_invite:
        return None
    return Denied(
        "You do not have permission to invite people here.",
        "Its admins can invite, or let every member do it.",
        links=_members(access),
    )


def _members(access: Access) -> tuple[Link, ...]:
    """Return the link to the page that names a collective's admins; the main one has none."""
    place = access.place
    return (
        (Link("Members", path_to("collectives.members", place.path)),)
        if place and not place.is_main
        else ()
    )


def may_leave(access: Access, target: object) -> Denied | None:
    """Allow members of a standard collective; the effect refuses the last admin."""
    place = access.here
    if place.is_main or place.is_workspace:
        return Denied("Nobody leaves this collective.", "It goes with belonging to the tenant.")
    return is_member(access, target)


def may_add_agents(access: Access, target: object) -> Denied | None:
    return _has_no_agents_of_choice(access) or may_invite(access, target)


def may_remove_agents(access: Access, target: object) -> Denied | None:
    return _has_no_agents_of_choice(access) or is_member(access, target)


def _has_no_agents_of_choice(access: Access) -> Denied | None:
    """Return the refusal of a place whose agents nobody adds or removes."""
    if access.place is None:
        return None
    if access.here.is_workspace:
        return Denied(
            "Cannot add other users to a private workspace", "Make a collective to share."
        )
    if access.here.is_main:
        return Denied(
            "Agents cannot be added to or removed from the main collective.",
            "Every agent belongs to it. Its parent can deactivate it in its settings.",
        )
    return None
