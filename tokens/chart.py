"""The last thirty days of a token as bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tokens.usage import Day


@dataclass(frozen=True, slots=True)
class Bar:
    """A day of the chart, in a field of 300 by 48: what was let in stands below, as a filled
    rectangle, what was refused above it, as an empty one."""

    WIDTH = 10
    HEIGHT = 48
    LEAST = 3

    day: date
    requests: int
    refusals: int
    x: int
    let_in: int
    refused: int

    @property
    def let_in_y(self) -> int:
        return self.HEIGHT - self.let_in

    @property
    def refused_y(self) -> int:
        return self.HEIGHT - self.let_in - self.refused


def bars(days: list[Day]) -> list[Bar]:
    """Return the days as bars, the busiest as high as the chart; what happened is always seen."""
    most = max(day.requests for day in days) or 1
    return [
        Bar(day.day, day.requests, day.refusals, at * Bar.WIDTH, *_heights(day, most))
        for at, day in enumerate(days)
    ]


def _heights(day: Day, most: int) -> tuple[int, int]:
    """Return how high the requests of a day stand: those let in, those refused."""
    refused = _height(day.refusals, most)
    let_in = _height(day.requests - day.refusals, most)
    return min(let_in, Bar.HEIGHT - refused), min(refused, Bar.HEIGHT)


def _height(count: int, most: int) -> int:
    return max(Bar.LEAST, count * Bar.HEIGHT // most) if count else 0
