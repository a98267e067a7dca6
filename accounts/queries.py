"""Queries for people and agents. A page reads all the people it shows with one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import TenantUser
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.prepared import Prepared, QueryValue
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.rendering.text import folded

# The handle, name, type and parent of a user.
_Named = tuple[str, str, str, UUID | None]


@dataclass(frozen=True, slots=True)
class Person:
    """A person or agent with their names in this tenant, for a page."""

    user_id: UUID
    handle: str
    name: str
    user_type: str
    parent_name: str = ""
    parent_handle: str = ""

    @property
    def path(self) -> str:
        return f"/u/{self.handle}" if self.handle else ""

    @property
    def parent_path(self) -> str:
        return f"/u/{self.parent_handle}"

    @property
    def is_agent(self) -> bool:
        return self.user_type == UserType.AI_AGENT


class People(dict[UUID, Person]):
    """The people of a page, by user id. An unknown id gives an “Unknown person”."""

    def __missing__(self, user_id: UUID) -> Person:
        return Person(user_id, "", "Unknown person", UserType.HUMAN)


def people(user_ids: Iterable[UUID | None]) -> People:
    """Return the people with these user ids in the bound tenant, and the parents of agents."""
    wanted = {user_id for user_id in user_ids if user_id}
    if not wanted:
        return People()
    rows = _names(wanted)
    parents = {parent for *_, parent in rows.values() if parent and parent not in rows}
    names = {**rows, **_names(parents)} if parents else rows
    return People({user_id: _person(user_id, names) for user_id in rows})


def _names(user_ids: Iterable[UUID]) -> dict[UUID, _Named]:
    return {
        row[0]: (row[1], row[2], row[3], row[4]) for row in _NAMES.rows(user__in=tuple(user_ids))
    }


def _named(**wanted: QueryValue) -> QuerySet[Any, tuple[Any, ...]]:
    return TenantUser.objects.filter(**wanted).values_list(
        "user_id", "handle", "display_name", "user__user_type", "user__parent_id"
    )


_NAMES: Prepared[tuple[Any, ...]] = Prepared(_named, tuple)


def _person(user_id: UUID, names: dict[UUID, _Named]) -> Person:
    handle, name, kind, parent = names[user_id]
    parent_handle, parent_name = names[parent][:2] if parent in names else ("", "")
    return Person(user_id, handle, name, kind, parent_name, parent_handle)


def person_named(word: str, access: Access) -> TenantUser | None:
    """Return the person that `me`, a handle, `@handle` or a user id names in this tenant."""
    if word == "me" and access.actor:
        return with_user().filter(id=access.actor.person_id).first()
    user_id = parse_uuid(word)
    if user_id:
        return with_user().filter(user=user_id).first()
    return with_user().filter(handle_key=folded(word.removeprefix("@"))).first()


def person_at(access: Access, handle: str) -> TenantUser:
    """Return the person that a path names by handle or user id.

    Raises:
        NotFound: no such person is in this tenant.
    """
    if handle == "me":
        own = f" Yours is {access.actor.path}." if access.actor else ""
        raise NotFound(hint=f"`me` works in the API only. The paths of pages have a handle.{own}")
    person = person_named(handle, access)
    if person is None:
        raise NotFound
    return person


def with_user() -> QuerySet[TenantUser]:
    """Return the people of the bound tenant with their accounts and agent rows.

    The long texts of agents are deferred.
    """
    people_: QuerySet[TenantUser] = TenantUser.objects.select_related("user__agent")
    return people_.defer("user__agent__identity_prompt", "user__agent__scratchpad")


def agents_of(user_id: UUID) -> QuerySet[TenantUser]:
    """Return a person's agents in this tenant, newest first."""
    return (
        with_user()
        .filter(user__parent=user_id, user__user_type=UserType.AI_AGENT)
        .order_by("-created_at", "-id")
    )


def active_tenant_admins() -> QuerySet[TenantUser]:
    """Return the tenant admins who can act: humans who are not suspended."""
    return with_user().filter(
        is_admin=True,
        archived_at=None,
        user__user_type=UserType.HUMAN,
        user__suspended_at=None,
    )


def tenant_admins(limit: int = 5) -> list[Person]:
    """Return the longest-serving tenant admins who can act."""
    ids = tenant_admin_ids(limit)
    known = people(ids)
    return [known[user_id] for user_id in ids]


def tenant_admin_ids(limit: int = 5) -> list[UUID]:
    """Return the user ids of the longest-serving tenant admins who can act."""
    rows = active_tenant_admins().order_by("created_at", "id")
    return list(rows.values_list("user_id", flat=True)[:limit])


def tenant_role_holders(limit: int) -> list[Person]:
    """Return all tenant admins, including agents and suspended people."""
    rows = TenantUser.objects.filter(is_admin=True, archived_at=None).order_by("created_at", "id")
    ids = list(rows.values_list("user_id", flat=True)[:limit])
    known = people(ids)
    return [known[user_id] for user_id in ids]
