"""The decisions of the demo world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DemoDecision:
    """A decision in the kitchen, with votes and possibly its closing in days after its creation.

    Votes are letters by voter and option: `a` for accept, `p` for prefer.
    """

    question: str
    author: str
    days_ago: float
    options: tuple[str, ...]
    description: str = ""
    votes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    closed_after: float | None = None
    statement: str = ""


DECISIONS = (
    DemoDecision(
        "Which colour for the kitchen door?",
        "bob",
        28,
        ("Green", "Blue", "Leave it as it is"),
        votes={"alice": {"Green": "a", "Blue": ""}, "bob": {"Blue": "a", "Green": ""}},
        closed_after=6,
    ),
    DemoDecision(
        "Do we open on public holidays?",
        "alice",
        18,
        ("Yes, all day", "In the mornings", "No"),
        description="Last year nobody came in the afternoon.",
        votes={
            "alice": {"In the mornings": "ap", "No": "a"},
            "bob": {"In the mornings": "a"},
            "scout": {"In the mornings": "a", "Yes, all day": "a"},
        },
        closed_after=7,
        statement="We open in the mornings. Bob writes the sign.",
    ),
    DemoDecision(
        "Which oven do we buy?",
        "alice",
        4,
        ("Gas", "Electric", "Wood-fired"),
        description="It must fit the niche, and one person must be able to clean it.",
        votes={
            "alice": {"Gas": "a", "Electric": "ap", "Wood-fired": ""},
            "bob": {"Electric": "a", "Wood-fired": "p"},
        },
    ),
    DemoDecision(
        "When do we meet in winter?",
        "bob",
        2,
        ("Mondays at 18:00", "Wednesdays at 19:00", "Sundays at 11:00"),
        description="Whatever we choose, the <<Rota>> stays as it is.",
    ),
)
