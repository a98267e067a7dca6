"""The capabilities of AI agents: which actions can be granted, and which an agent has.

Each action declares its `Grant`. An agent's row stores the names that its parent selected
(`docs/decisions/0019-a-capability-is-declared-once.md`, `0023-agents-are-rows.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Level(StrEnum):
    """The permission of agents to run an action."""

    NEVER = "never"
    ALWAYS = "always"
    USUAL = "usual"  # granted by the parent; selected for a new agent
    CAREFUL = "careful"  # granted by the parent; not selected for a new agent


@dataclass(frozen=True, slots=True)
class Grant:
    """The level of an action, and its heading in the settings form."""

    level: Level
    group: str = ""

    @property
    def is_grantable(self) -> bool:
        return self.level is Level.USUAL or self.level is Level.CAREFUL


NEVER = Grant(Level.NEVER)
ALWAYS = Grant(Level.ALWAYS)


def usual(group: str) -> Grant:
    """Return the grant of an action that is selected for a new agent."""
    return Grant(Level.USUAL, group)


def careful(group: str) -> Grant:
    """Return the grant of an action that is not selected for a new agent."""
    return Grant(Level.CAREFUL, group)


# In a stored list: every usual capability, including those of later releases.
ALL_USUAL = "usual"
# In a stored list: everything that can be granted. Agents older than stored lists have it.
ALL = "all"

# Names of the contract whose actions do not exist yet. Clients may grant them already; they are
# stored, and shown nowhere until the action exists.
FORTHCOMING = frozenset(
    """
    add_attachment remove_attachment send_message
    accept_trustee_grant decline_trustee_grant create_trustee_grant revoke_trustee_grant
    start_representation end_representation
    """.split()
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of an agent: names of actions, `ALL_USUAL` and `ALL`."""

    names: frozenset[str]
    may_write_publicly: bool = True

    @classmethod
    def of(cls, names: Iterable[str], *, may_write_publicly: bool = True) -> Self:
        """Return the capabilities of a stored list."""
        return cls(frozenset(names), may_write_publicly)

    def hold(self, name: str, grant: Grant) -> bool:
        """Return whether the agent may run the action with this name and grant."""
        if not grant.is_grantable:
            return grant.level is Level.ALWAYS
        if ALL in self.names or name in self.names:
            return True
        return grant.level is Level.USUAL and ALL_USUAL in self.names


NO_CAPABILITIES = Capabilities(frozenset())
ALL_CAPABILITIES = Capabilities(frozenset({ALL}))
