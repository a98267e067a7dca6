"""The data type of a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Bound:
    """A maximum number, size or time, and what happens beyond it.

    `setting` is the environment variable that changes the limit; `value` is then the default.
    """

    name: str
    value: int | timedelta
    unit: str
    beyond: str
    setting: str = ""

    @property
    def shown(self) -> str:
        if isinstance(self.value, timedelta):
            return _duration(self.value)
        return f"{self.value:,} {self.unit}"


def _duration(value: timedelta) -> str:
    for name, unit in (
        ("day", timedelta(days=1)),
        ("hour", timedelta(hours=1)),
        ("minute", MINUTE),
        ("second", timedelta(seconds=1)),
    ):
        if value >= unit and not value % unit:
            count = value // unit
            return f"{count} {name}" + ("s" if count > 1 else "")
    raise ValueError(value)


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    bounds: tuple[Bound, ...]
