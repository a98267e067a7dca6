"""The scopes of tokens."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property


class Verb(StrEnum):
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"


class ScopeResource(StrEnum):
    """The resource of a scope. `all` covers the others, and what none of them names."""

    ALL = "all"
    NOTES = "notes"
    CONFIRMATIONS = "confirmations"
    DECISIONS = "decisions"
    OPTIONS = "options"
    VOTES = "votes"
    DECISION_PARTICIPANTS = "decision_participants"
    COMMITMENTS = "commitments"
    COMMITMENT_PARTICIPANTS = "commitment_participants"
    CYCLES = "cycles"
    USERS = "users"
    API_TOKENS = "api_tokens"

    @property
    def is_of_tenant(self) -> bool:
        """True if the resource belongs to the tenant, not to one of its collectives."""
        return self in {ScopeResource.USERS, ScopeResource.API_TOKENS}


class Scope(str):
    """A scope that a token can hold, such as `create:notes`.

    Raises:
        ValueError: the verb or the resource does not exist.
    """

    def __new__(cls, text: str) -> Scope:
        verb, _, resource = text.partition(":")
        Verb(verb), ScopeResource(resource)
        return super().__new__(cls, text)

    @cached_property
    def verb(self) -> Verb:
        return Verb(self.partition(":")[0])

    @cached_property
    def resource(self) -> ScopeResource:
        return ScopeResource(self.partition(":")[2])

    @cached_property
    def whole(self) -> Scope:
        """The scope of the same verb that covers every resource."""
        return Scope(f"{self.verb}:{ScopeResource.ALL}")


READ_ONLY = (Scope("read:all"),)
READ_WRITE = (*READ_ONLY, Scope("create:all"), Scope("update:all"), Scope("delete:all"))


def is_scope(text: str) -> bool:
    """Return whether a token can hold the scope."""
    try:
        Scope(text)
    except ValueError:
        return False
    return True
