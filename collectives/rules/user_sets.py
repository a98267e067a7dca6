"""User sets: short texts that define which members can do something.

A set is the union of clauses separated by spaces: `user:@alice,@bob`, `role:admin`, or `members`
alone. An empty set restricts nothing. Sets are stored with user IDs, because handles can change. A
clause whose members have left matches no one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Q

from accounts.queries import Person
from collectives.models import CollectiveMember
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.refusals import Invalid, Problem
from harmonic.kernel.rendering.text import folded

CLAUSES, HANDLES, LENGTH = 10, 200, 8000
MEMBERS, USER, ROLE = "members", "user", "role"
# No member can have the last three yet.
ROLES = ("admin", "representative", "summarizer", "automator", "moderator")


def read(access: Access, text: str, parameter: str) -> str:
    """Return a text as the stored form of a set. Refusals name `parameter`.

    Raises:
        Invalid: a clause is unknown, has an invalid value, or names a non-member.
    """
    clauses = text.split()
    if len(clauses) > CLAUSES:
        raise _invalid(parameter, f"can have at most {CLAUSES} clauses")
    if MEMBERS in clauses and len(clauses) > 1:
        raise _invalid(parameter, "has `members` together with other clauses; use it alone")
    return " ".join(_read_clause(access, clause, parameter) for clause in clauses)


def _read_clause(access: Access, clause: str, parameter: str) -> str:
    kind, _, value = clause.partition(":")
    if clause == MEMBERS:
        return clause
    if kind == USER and value:
        return f"{USER}:{','.join(_members(access, value.split(','), parameter))}"
    if kind == ROLE:
        if value not in ROLES:
            raise _invalid(parameter, f"has an unknown role. Use one of {', '.join(ROLES)}")
        return clause
    raise _invalid(
        parameter,
        f"has an unknown clause: '{clause[:80]}'. Use `user:@alice,@bob`, `role:admin` or"
        " `members`",
    )


def _members(access: Access, names: list[str], parameter: str) -> list[str]:
    """Return the IDs of the members with these handles or IDs, in order."""
    if len(names) > HANDLES:
        raise _invalid(parameter, f"can name at most {HANDLES} users per clause")
    rows = CollectiveMember.objects.filter(
        collective=access.required_place.id, archived_at=None, person__archived_at=None
    ).values_list("person__user_id", "person__handle_key")
    wanted = [parse_uuid(name) or folded(name.removeprefix("@")) for name in names]
    ids = [each for each in wanted if isinstance(each, UUID)]
    keys = [each for each in wanted if isinstance(each, str)]
    by_name: dict[object, UUID] = {}
    for user_id, key in rows.filter(Q(person__user__in=ids) | Q(person__handle_key__in=keys)):
        by_name |= {user_id: user_id, key: user_id}
    unknown = [name for name, each in zip(names, wanted, strict=True) if each not in by_name]
    if unknown:
        raise _invalid(
            parameter, f"names '{unknown[0][:80]}', who is not a member of this collective"
        )
    return [str(by_name[each]) for each in wanted]


def _invalid(parameter: str, message: str) -> Invalid:
    return Invalid(Problem(parameter, message))


def contains(access: Access, stored: str) -> bool:
    """Return whether the caller, a member, is in a set. The empty set includes everyone."""
    return not stored or any(_matches(access, clause) for clause in stored.split())


def _matches(access: Access, clause: str) -> bool:
    kind, _, value = clause.partition(":")
    if kind == USER:
        return str(access.user.user_id) in value.split(",")
    if kind == ROLE:
        return access.membership is not None and value in access.membership.roles
    return clause == MEMBERS


def ids_in(*stored: str) -> set[UUID]:
    """Return the IDs of the users that sets name."""
    clauses = (clause.partition(":") for each in stored for clause in each.split())
    names = (name for kind, _, value in clauses if kind == USER for name in value.split(","))
    return {user_id for name in names if (user_id := parse_uuid(name))}


def written(stored: str, known: Mapping[UUID, Person]) -> str:
    """Return a stored set as people write it. `known` contains the people of `ids_in`."""
    return " ".join(_written_clause(clause, known) for clause in stored.split())


def _written_clause(clause: str, known: Mapping[UUID, Person]) -> str:
    kind, _, value = clause.partition(":")
    if kind != USER:
        return clause
    return f"{USER}:{','.join(_name(name, known) for name in value.split(','))}"


def _name(user_id: str, known: Mapping[UUID, Person]) -> str:
    person = known.get(UUID(user_id))
    return f"@{person.handle}" if person else user_id


def in_words(stored: str, known: Mapping[UUID, Person]) -> str:
    """Return a set in words: the handles of its users, and its roles in plural."""
    return ", ".join(word for clause in stored.split() for word in _words(clause, known))


def _words(clause: str, known: Mapping[UUID, Person]) -> Iterable[str]:
    kind, _, value = clause.partition(":")
    if kind == USER:
        return [_name(name, known) for name in value.split(",")]
    return [f"{value}s" if kind == ROLE else "all members"]
