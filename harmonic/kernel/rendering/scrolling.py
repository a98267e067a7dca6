"""Regions around the tables and the code of user text, which may be wider than the page.

A region can have the focus, so that the keyboard scrolls it. `static/js/scroll.js` takes regions
out of the tab order that have nothing to scroll.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

# The attributes of a region and their values, which the sanitiser keeps on a `<div>`.
ATTRIBUTES: Final = {
    "class": {"scroll"},
    "role": {"region"},
    "tabindex": {"0"},
    "aria-label": {"Table", "Code"},
}
_CLOSE: Final = "</div>\n"

_BoundRule = Callable[[Sequence["Token"], int, Any, Any], str]
_Rule = Callable[[Any, Sequence["Token"], int, Any, Any], str]


def add_regions(parser: MarkdownIt) -> None:
    """Make a parser render each table and each block of code inside a region."""
    rules: Mapping[str, _BoundRule] = cast("RendererHTML", parser.renderer).rules
    for name in ("fence", "code_block"):
        parser.add_render_rule(name, _inside(rules[name]))
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)


def _open(label: str) -> str:
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'


def _inside(rule: _BoundRule) -> _Rule:
    def render(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return _open("Code") + rule(tokens, index, options, env) + _CLOSE

    return render


def _open_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"{_open('Table')}<table>\n"


def _close_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f"</table>{_CLOSE}"
