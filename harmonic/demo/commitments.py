"""The commitments of the demo world, one in each state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoCommitment:
    """A commitment in the kitchen. Times are in days from now, negative in the past."""

    title: str
    author: str
    days_ago: float
    description: str
    critical_mass: int
    joined: tuple[str, ...]
    subtype: str = "action"
    deadline: float | None = None
    starts: float | None = None
    closes_at_mass: bool = False
    location: str = ""


COMMITMENTS = (
    # Below its critical mass.
    DemoCommitment(
        "Deep clean on Saturday",
        "bob",
        2.5,
        "Ovens, hood, drains. Two hours if there are **three of us**, all day if not.",
        3,
        ("bob", "scout"),
        deadline=5,
    ),
    # Reached.
    DemoCommitment(
        "Whoever cooks does not wash up",
        "alice",
        12,
        "Sign if you agree. It counts once three of us have.",
        3,
        ("alice", "bob", "scout"),
        subtype="policy",
    ),
    # Past its deadline without reaching its critical mass.
    DemoCommitment(
        "Carry the chest freezer upstairs",
        "bob",
        24,
        "Four people, ten minutes, one landing.",
        4,
        ("bob",),
        deadline=-15,
    ),
    # Full.
    DemoCommitment(
        "Soup for the market",
        "alice",
        6,
        "We cook for the market stall: forty bowls.",
        2,
        ("bob", "alice"),
        subtype="calendar_event",
        starts=9,
        closes_at_mass=True,
        location="The big kitchen",
    ),
)
