"""Tasks as a human gives them to a blind agent: an address with a token, and words.

`Stage.wires` returns the connection of an account. `Told` are the words of the task; whatever a
task needs to exist is made by other accounts in the same blind way, and does not count.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.blind.reading import Wire
from tests.blind.surfaces import MarkdownAgent

KITCHEN = "Kitchen Crew"
TEXT = "Sharpen the blue knife on Friday."
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Told:
    """A task's words: the collective, the title and the page of a note, an invitation."""

    collective: str = KITCHEN
    title: str = ""
    page: str = ""
    invitation: str = ""
    code: str = ""
    address: str = ""


@dataclass
class Stage:
    """The accounts of the demo world, each with its token."""

    wires: Callable[[str], Wire]
    _agents: dict[str, MarkdownAgent] = field(default_factory=dict)

    def agent(self, who: str) -> MarkdownAgent:
        """Return an agent on Markdown pages that prepares something."""
        if who not in self._agents:
            self._agents[who] = MarkdownAgent(self.wires(who))
        return self._agents[who]

    def note_by(self, who: str, text: str = TEXT) -> Told:
        """Write a new note in the kitchen, and return its title and page."""
        title = f"Blind note {next(_numbers)} by {who}"
        agent = self.agent(who)
        agent.open("/")
        agent.follow(KITCHEN)
        done = agent.act("write a note", title=title, text=text)
        assert done.status == 200, done.text
        return Told(title=title, page=done.resource.path)

    def comment_on(self, told: Told, who: str, text: str) -> None:
        agent = self.agent(who)
        agent.open(told.page)
        assert agent.act("comment", text=text).status == 200

    def deletion_of(self, told: Told, who: str) -> None:
        agent = self.agent(who)
        agent.open(told.page)
        agent.follow("Settings")
        assert agent.act("delete").status == 200

    def invitation_by(self, who: str) -> Told:
        """Return an invitation to the kitchen: its address and its code."""
        agent = self.agent(who)
        agent.open("/")
        page = agent.follow(KITCHEN).fields["path"]
        agent.follow("Members")
        agent.follow("Invite")
        made = agent.act("invitation")
        assert made.status == 200, made.text
        address = made.resource.path
        return Told(page=page, address=address, code=address.rpartition("=")[2])
