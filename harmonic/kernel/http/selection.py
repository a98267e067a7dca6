"""The parts of a Markdown document that a client asked for (`docs/agents.md`, Reading less)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from harmonic.kernel.rendering.text import slug

# The sections that a brief view omits.
ASIDES: Final = frozenset({"history", "backlinks"})
# The section of which a brief view says how much there is.
COMMENTS: Final = "comments"
NAMED: Final = 20
_COUNT = re.compile(r" \(\d+\)$")
_FENCE = re.compile(r"`{3,}|~{3,}")


@dataclass(frozen=True, slots=True)
class Selection:
    """The requested sections (none: all), and how much of the actions is shown."""

    sections: tuple[str, ...] = ()
    is_brief: bool = False
    has_actions: bool = True
    # The page that the rest is read at.
    path: str = ""

    @classmethod
    def asked_by(cls, query: Mapping[str, str], path: str = "") -> Selection:
        """Return the selection of a query; unknown values of its parameters change nothing."""
        names = (slug(name).lower() for name in query.get("sections", "").split(","))
        return cls(
            sections=tuple(dict.fromkeys(name for name in names if name))[:NAMED],
            is_brief=query.get("view") == "brief",
            has_actions=query.get("actions") != "none",
            path=path,
        )

    def of_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the frontmatter with the requested part of the actions."""
        chosen = dict(fields)
        if not self.has_actions:
            chosen.pop("actions", None)
        elif self.is_brief and "actions" in chosen:
            chosen["actions"] = [{"name": each["name"]} for each in chosen["actions"]]
        return chosen

    def of_body(self, body: str) -> str:
        """Return the text above the first section, and the requested sections."""
        if not self.sections and not self.is_brief:
            return body
        parts = list(_parts(body))
        kept = [self._shown(name, text) for name, text in parts if self._is_wanted(name)]
        there = [name for name, _ in parts if name]
        return "".join([*kept, _note(self.sections, there)])

    def _is_wanted(self, name: str) -> bool:
        if not name:
            return True
        return name in self.sections if self.sections else name not in ASIDES

    def _shown(self, name: str, text: str) -> str:
        """Return a section; a brief view has the heading of the comments and where to read them."""
        heading, _, _ = text.partition("\n")
        if self.sections or name != COMMENTS or heading.endswith(" (0)"):
            return text
        return f"{heading}\n\nOmitted. Read them at {self.path}?sections={COMMENTS}\n"


WHOLE_DOCUMENT: Final = Selection()


def _note(wanted: Iterable[str], there: list[str]) -> str:
    missing = [name for name in wanted if name not in there]
    if not missing:
        return ""
    offered = f"there are: {', '.join(there)}" if there else "there are none"
    return f"\nNote: no section {', '.join(missing)} here; {offered}.\n"


def _parts(body: str) -> Iterator[tuple[str, str]]:
    """Split Markdown at its headings of the second level; the first part has no name.

    The name of a section is the slug of its heading without a count: `comments`.
    """
    lines: list[str] = []
    name = fence = ""
    for line in body.splitlines(keepends=True):
        if not fence and line.startswith("## "):
            yield name, "".join(lines)
            name, lines = slug(_COUNT.sub("", line[3:].strip())).lower(), []
        lines.append(line)
        fence = _fence_after(line, fence)
    yield name, "".join(lines)


def _fence_after(line: str, fence: str) -> str:
    """Return the fence of the block that is open after a line, or ""."""
    found = _FENCE.match(line)
    if fence:
        is_closed = line.strip().startswith(fence) and not line.strip().strip(fence[0])
        return "" if is_closed else fence
    return found[0] if found else ""
