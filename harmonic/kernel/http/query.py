"""The query parameters of a request, and the note about those that a page does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.rendering.markdown import escape_line

MAX_NAMED = 20


class Query(Mapping[str, str]):
    """The last value of each query parameter.

    It records which parameters were looked up: these are the ones that a page has, so no page
    declares them, and a new filter is known as soon as its page reads it.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._looked_up: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._looked_up.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def looked_up(self) -> frozenset[str]:
        """The parameters that the page has read, whether or not they were sent."""
        return frozenset(self._looked_up)


def note_of_unknown(sent: Collection[str], known: Collection[str]) -> str:
    """Return one line of Markdown that names the parameters a page does not have, or ""."""
    unknown = [name for name in sent if name not in known][:MAX_NAMED]
    if not unknown:
        return ""
    names = ", ".join(escape_line(name[:40]) for name in unknown)
    questions = [question for name in unknown if (question := did_you_mean(name, known))]
    offered = f"It has: {', '.join(sorted(known))}."
    return " ".join([f"Note: this page has no parameter {names}.", *questions[:1], offered])
