"""Mentions in texts: `@alice`, and tags that mention several members, such as `@everyone`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from harmonic.kernel.rendering.text import folded

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# The name is everything after the `@`. An `@` directly after a letter or digit is an address.
_MENTION: Final = re.compile(r"(?<!\w)@([A-Za-z0-9_-]+)")
# The length up to which texts are parsed for code. In longer texts, code counts as text.
PARSED: Final = 100_000
# The number of names that one text can mention. Further names are ignored.
MAX_NAMES: Final = 50
# Names that mention several members, so they cannot be handles.
ADMINS: Final = "admins"
REPRESENTATIVES: Final = "representatives"
EVERYONE: Final = "everyone"


def names_in(*texts: str) -> tuple[str, ...]:
    """Return the distinct folded names that texts mention outside code, in order."""
    found: dict[str, None] = {}
    for text in texts:
        if "@" in text:
            found.update(dict.fromkeys(map(folded, _MENTION.findall(_without_code(text)))))
    return tuple(found)[:MAX_NAMES]


def _without_code(text: str) -> str:
    if len(text) > PARSED or not ("`" in text or "    " in text or "~" in text or "\t" in text):
        return text
    return "\n".join(_prose(_parser().parse(text)))


def _prose(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type != "inline":
            continue
        yield "".join(
            " " if child.type == "code_inline" else child.content or "\n"
            for child in token.children or ()
        )


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")
