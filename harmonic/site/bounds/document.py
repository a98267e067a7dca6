"""`docs/limits.md`, generated from the limits and the lengths of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harmonic.kernel.registry import actions
from harmonic.site.bounds.bound import Bound, Section
from harmonic.site.bounds.counts import COUNTS
from harmonic.site.bounds.lists import REST_LISTS, SEARCHES
from harmonic.site.bounds.pages import PAGES
from harmonic.site.bounds.requests import MCP, REQUESTS
from harmonic.site.bounds.runs import RUNS
from harmonic.site.bounds.tables import REMINDERS, TABLES

SECTIONS = (REQUESTS, MCP, RUNS, SEARCHES, REST_LISTS, PAGES, TABLES, REMINDERS, COUNTS)


def every() -> Iterator[Bound]:
    return (bound for section in SECTIONS for bound in section.bounds)


@dataclass(frozen=True, slots=True)
class BoundedParameter:
    """A parameter with a maximum length, and the actions that have it."""

    name: str
    length: int
    actions: tuple[str, ...]


def parameters() -> list[BoundedParameter]:
    """Return the parameters with a maximum length, by name."""
    found: dict[tuple[str, int], set[str]] = {}
    for action in actions().values():
        for name, field in action.params().fields.items() if action.params else ():
            if length := getattr(field, "max_length", None):
                found.setdefault((name, length), set()).add(action.name)
    return [BoundedParameter(*key, tuple(sorted(names))) for key, names in sorted(found.items())]


HEAD = """\
# Limits

Everything that waits or grows has a limit. This page is generated from the code by
`manage.py describe_limits`; do not edit it. A value with a setting is the default, and the
setting is an environment variable ([operations.md](operations.md#settings)). Refusals come in the
requested format; their codes are in [api.md](api.md#errors). Pages use 422 where the API
uses 400.
"""
TEXTS = """\
## Texts

A parameter that is too long is refused with 400 `invalid` by the API and with 422 by pages:
`text is too long (maximum 1000000 characters)`. Lengths are in characters.

| parameter | maximum | actions |
|---|---|---|
"""


def document() -> str:
    """Return `docs/limits.md`."""
    return "\n".join([HEAD, *map(_section, SECTIONS), _texts()])


def _section(section: Section) -> str:
    rows = [
        f"| {bound.name} | {bound.shown} | {f'`{bound.setting}`' if bound.setting else '–'} |"
        f" {bound.beyond} |"
        for bound in section.bounds
    ]
    head = ["| limit | value | setting | beyond the limit |", "|---|---|---|---|"]
    return "\n".join([f"## {section.title}", "", *head, *rows, ""])


def _texts() -> str:
    rows = [
        f"| `{each.name}` | {each.length:,} | {', '.join(f'`{name}`' for name in each.actions)} |"
        for each in parameters()
    ]
    return "\n".join([TEXTS + "\n".join(rows), ""])
