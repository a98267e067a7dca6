"""The page `docs/limits.md`, made of all bounds and of the lengths of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harmonic.kernel.registry import actions
from harmonic.site.bounds.bound import Bound, Section
from harmonic.site.bounds.counts import COUNTS
from harmonic.site.bounds.lists import REST_LISTS, SEARCHES
from harmonic.site.bounds.pages import PAGES
from harmonic.site.bounds.requests import MCP, REQUESTS

SECTIONS = (REQUESTS, MCP, SEARCHES, REST_LISTS, PAGES, COUNTS)


def every() -> Iterator[Bound]:
    return (bound for section in SECTIONS for bound in section.bounds)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of one action or more that has a greatest length."""

    name: str
    length: int
    actions: tuple[str, ...]


def parameters() -> list[Parameter]:
    """Return the parameters of all actions that have a greatest length, by name."""
    found: dict[tuple[str, int], set[str]] = {}
    for action in actions().values():
        for name, field in action.params().fields.items() if action.params else ():
            if length := getattr(field, "max_length", None):
                found.setdefault((name, length), set()).add(action.name)
    return [Parameter(*key, tuple(sorted(names))) for key, names in sorted(found.items())]


HEAD = """\
# Limits

Everything that waits or grows has a bound. This page is made from the code by
`manage.py describe_limits`; do not edit it. A value with a setting is the default, and the
setting is an environment variable ([operations.md](operations.md#settings)). A refusal is
answered in the format asked for; [api.md](api.md#errors) has the codes. Forms and actions of
pages answer 422 where the API answers 400.
"""
TEXTS = """\
## Texts

Beyond its length a parameter is refused with 400 `invalid` by the API and 422 by pages:
`text is too long (maximum 1000000 characters)`. Lengths are in characters.

| parameter | at most | actions |
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
    head = ["| what | at most | setting | beyond it |", "|---|---|---|---|"]
    return "\n".join([f"## {section.title}", "", *head, *rows, ""])


def _texts() -> str:
    rows = [
        f"| `{each.name}` | {each.length:,} | {', '.join(f'`{name}`' for name in each.actions)} |"
        for each in parameters()
    ]
    return "\n".join([TEXTS + "\n".join(rows), ""])
