"""The chart of a token's last 30 days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tokens.usage import Day


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart, in an area of 300 by 48 units.

    Allowed requests are a filled rectangle at the bottom, refused ones an outline above it.
    """

    WIDTH = 10
    HEIGHT = 48
    LEAST = 3

    day: date
    requests: int
    refusals: int
    x: int
    allowed: int
    refused: int

    @property
    def allowed_y(self) -> int:
        return self.HEIGHT - self.allowed

    @property
    def refused_y(self) -> int:
        return self.HEIGHT - self.allowed - self.refused


def bars(days: list[Day]) -> list[Bar]:
    """Return a bar for each day, scaled to the busiest day; a request is always visible."""
    most = max(day.requests for day in days) or 1
    return [
        Bar(day.day, day.requests, day.refusals, at * Bar.WIDTH, *_heights(day, most))
        for at, day in enumerate(days)
    ]


def _heights(day: Day, most: int) -> tuple[int, int]:
    """Return the heights of a day's allowed and refused requests."""
    refused = _height(day.refusals, most)
    allowed = _height(day.requests - day.refusals, most)
    return min(allowed, Bar.HEIGHT - refused), min(refused, Bar.HEIGHT)


def _height(count: int, most: int) -> int:
    return max(Bar.LEAST, count * Bar.HEIGHT // most) if count else 0
