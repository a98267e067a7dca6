"""The reminder notes of the demo world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoReminder:
    """A reminder note in the kitchen. It is due some days from now."""

    title: str
    author: str
    days_ago: float
    text: str
    due: float


REMINDERS = (
    DemoReminder(
        "Order flour",
        "alice",
        1.5,
        "The mill delivers on Thursdays. @bob, please check how much rye is left.",
        due=4,
    ),
)
