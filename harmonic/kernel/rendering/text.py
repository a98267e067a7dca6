"""User text: normalisation, HTML and shortening."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from harmonic.kernel.rendering.scrolling import ATTRIBUTES, add_regions

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

FORMATTED_LIMIT: Final = 100_000
TITLE_LIMIT: Final = 256
PREVIEW_LIMIT: Final = 100
# The length of the beginning of a text from which its excerpt is made.
EXCERPT_SOURCE: Final = 300
TRUNCATE_LIMIT: Final = 2_000
# The length of a text on an HTML page, before the link to the full text.
HTML_LIMIT: Final = 20_000
# The length of the beginning of a text in which its first line is searched.
FIRST_LINE_SOURCE: Final = 5_000

_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_UNACCEPTABLE = re.compile(f"[\x00\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_BREAKS_AND_CONTROLS = re.compile("\r\n|[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")

# White space, controls, Default_Ignorable_Code_Point of Unicode, and the letters and symbols that
# are drawn as nothing.
_INVISIBLE = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    r"\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{_INVISIBLE}]")


def is_blank(value: str) -> bool:
    """Return whether a text is empty or consists of invisible characters only."""
    return _VISIBLE.search(value) is None


def is_acceptable(value: str) -> bool:
    """Return whether a string may be stored: no NUL, lone surrogate or noncharacter.

    Noncharacters are the placeholders of user strings in Markdown, so no user string may contain
    them.
    """
    return _UNACCEPTABLE.search(value) is None


def storable(value: Any) -> Any:
    """Return a JSON value with U+FFFD for each character that may not be stored."""
    if isinstance(value, str):
        return _UNACCEPTABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    return [storable(each) for each in value] if isinstance(value, list) else value


def normalise_line(value: str) -> str:
    """Return a trimmed one-line string: breaks and controls as spaces, no bidi overrides.

    A line of only invisible characters becomes empty. Next to visible ones they are kept:
    right-to-left names need U+200E and U+200F, which affect single characters; U+200D joins emoji.
    """
    line = _BIDI.sub("", _BREAKS_AND_CONTROLS.sub(" ", value)).strip()
    return "" if is_blank(line) else line


def folded(value: str) -> str:
    """Return the key by which an e-mail address or a handle is stored and compared.

    Unicode NFKC, then full case folding, then NFKC again: spellings that differ in case, width or
    composition have one key, and folding a key changes nothing. Letters that only look alike, such
    as "i" and the dotless "ı", keep different keys (`docs/decisions/`, 0013).
    """
    if value.isascii():
        return value.lower()
    once = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", once)


def normalise_block(value: str) -> str:
    """Return a text of several lines with LF as its only line break."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def to_html(value: str) -> SafeString:
    """Render a user's Markdown as sanitised HTML.

    CommonMark with tables, strikethrough, autolinks and task lists; a newline is a <br>; raw HTML
    is shown as text. Very long texts, and texts that are slow to parse, are returned unformatted in
    a <pre>.
    """
    if len(value) > FORMATTED_LIMIT:
        html = _unformatted(value, f"This text is longer than {FORMATTED_LIMIT:,} characters")
    elif _is_slow(value):
        html = _unformatted(value, "This text has too many links or brackets")
    elif (cells := _cells(value)) > CELLS_LIMIT and cells > len(value) // 2:
        html = _unformatted(value, f"This text has tables of more than {CELLS_LIMIT:,} cells")
    else:
        html = _sanitise(_parser().render(value))
    # Safe: nh3 or escape() made every part of it.
    return mark_safe(html)  # noqa: S308


def first_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """Return the first line that is not blank, at most `limit` characters including "...".

    Only the first `FIRST_LINE_SOURCE` characters are searched, so that the time of a list does not
    depend on the length of its texts.
    """
    for match in re.finditer(r"[^\r\n]+", text[:FIRST_LINE_SOURCE]):
        if line := normalise_line(match[0]):
            return _shorten(line, limit, "...")
    return ""


def preview(text: str, limit: int = PREVIEW_LIMIT) -> str:
    """Return the text as one line of at most `limit` characters, "…" included."""
    lines = (normalise_line(line) for line in text.splitlines())
    return _shorten(" ".join(line for line in lines if line), limit, "…")


def excerpt(text: str) -> str:
    """Return the beginning of a Markdown text as one line without its markup."""
    source = text[:EXCERPT_SOURCE]
    return _words(source) if _MARKED.search(source) else preview(source)


# Characters that every text with markup contains.
_MARKED: Final = re.compile(r"[*_`#>|\[~\\&]|^[ \t]*([-+=]|\d{1,9}[.)])", re.MULTILINE)
_BREAKS: Final = frozenset({"softbreak", "hardbreak"})


@lru_cache(maxsize=4_096)
def _words(source: str) -> str:
    if _is_slow(source):
        return preview(source)
    return preview("\n".join(map(_words_of, _parser().parse(source))))


def _words_of(block: Token) -> str:
    if block.type != "inline":
        return block.content
    return "".join(
        " " if child.type in _BREAKS else child.meta.get("words", child.content)
        for child in block.children or []
    )


def truncate(text: str, limit: int = TRUNCATE_LIMIT) -> tuple[str, bool]:
    """Return the text shortened for a page, and whether it was shortened.

    It ends at the last newline at or before `limit` code points, or else at `limit`, never inside a
    grapheme cluster.
    """
    if len(text) <= limit:
        return text, False
    newline = text.rfind("\n", 0, limit + 1)
    end = newline if newline > 0 else _cluster_end(text, limit)
    return text[:end], True


def slug(value: str) -> str:
    """Return the value as a handle: ASCII letters, digits, "_" and single "-", case kept."""
    decomposed = unicodedata.normalize("NFKD", value.translate(_LETTERS))
    ascii_only = "".join(c for c in decomposed if not unicodedata.combining(c))
    dashed = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_only)
    return re.sub(r"-+", "-", dashed).strip("-")


# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS: Final = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L",
        "ħ": "h", "Ħ": "H", "ı": "i", "ŋ": "ng", "Ŋ": "NG", "ŧ": "t", "Ŧ": "T", "ĸ": "k",
    }
)  # fmt: skip


def _shorten(line: str, limit: int, ending: str) -> str:
    if len(line) <= limit:
        return line
    return line[: _cluster_end(line, max(limit - len(ending), 0))].rstrip() + ending


# Longer clusters are noise and may be cut.
_CLUSTER_LIMIT: Final = 64


def _cluster_end(text: str, position: int) -> int:
    """Return the last boundary of grapheme clusters at or before `position`."""
    for end in range(position, max(position - _CLUSTER_LIMIT, 0), -1):
        if not _is_joined(text, end):
            return end
    return position


def _is_joined(text: str, position: int) -> bool:
    if position >= len(text):
        return False
    before, after = text[position - 1], text[position]
    return (
        unicodedata.category(after).startswith("M")
        or "\u200d" in (before, after)
        or (before == "\r" and after == "\n")
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # skin tones
        or "\U000e0020" <= after <= "\U000e007f"  # flag tags
        or "\u1160" <= after <= "\u11ff"  # Hangul vowels and finals
        or (_is_regional(after) and _odd_regionals_before(text, position))
    )


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _odd_regionals_before(text: str, position: int) -> bool:
    count = 0
    while count < position and _is_regional(text[position - 1 - count]):
        count += 1
    return count % 2 == 1


# The parser looks ahead from each of these, so its time is quadratic in their number. Normal texts
# have far fewer.
BRACKETS_LIMIT: Final = 10_000
LINKS_LIMIT: Final = 1_000
# The parser fills up short rows of tables. More cells than this must be written out, with at least
# two characters each. A table note may have 500 rows of 20 columns, and a header.
CELLS_LIMIT: Final = 12_000


def _is_slow(value: str) -> bool:
    links = value.count("://") + value.count("@") + value.lower().count("www.")
    return value.count("[") > BRACKETS_LIMIT or links > LINKS_LIMIT


# The line below the header of a table, which defines the number of columns.
_RULE_OF_A_TABLE: Final = re.compile(r"[ \t>*+\d.)|:-]*-[ \t|:-]*")


def _cells(value: str) -> int:
    """Return the number of cells in the tables of a text, including those filled up."""
    cells = columns = 0
    for line in value.split("\n"):
        if "|" in line and _RULE_OF_A_TABLE.fullmatch(line):
            columns = max(columns, line.strip(" \t>").strip("|").count("|") + 1)
        elif not line.strip(" \t>"):
            columns = 0
        cells += columns
    return cells


def _unformatted(value: str, reason: str) -> str:
    return f'<p>{reason}, so it is shown unformatted.</p>\n<pre class="plain">{escape(value)}</pre>'


_local = threading.local()


def _parser() -> MarkdownIt:
    # One per thread: the autolinker stores its last match on itself.
    parser: MarkdownIt | None = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = _new_parser()
    return parser


def _new_parser() -> MarkdownIt:
    # The preset caps nesting at 20 levels.
    options = {"html": False, "linkify": True, "breaks": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough", "linkify"])
    # Only URLs with a scheme are linked: README.md is a file, not a host in Moldova.
    assert parser.linkify is not None
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    parser.validateLink = _is_allowed_target  # type: ignore[method-assign]  # its documented hook
    parser.core.ruler.push("harmonic", _adapt)
    add_regions(parser)
    return parser


_SCHEMES: Final = frozenset({"http", "https", "mailto"})


def _is_allowed_target(url: str) -> bool:
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError:
        return False
    return scheme.lower() in _SCHEMES or not re.match(r"[^/?#]*:", url.strip())


def _adapt(state: StateCore) -> None:
    """Adapt the parsed text to a page: headings one level lower, lazy images, task marks."""
    for index, token in enumerate(state.tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
        elif token.type in {"th_open", "td_open"}:
            _adapt_cell(token)
        elif token.type == "inline":
            _adapt_images(token.children or [])
            if index >= 2 and state.tokens[index - 2].type == "list_item_open":
                _mark_task(state.tokens[index - 2], token)


def _adapt_cell(cell: Token) -> None:
    if cell.type == "th_open":
        # All header cells of a Markdown table are in its first row.
        cell.attrSet("scope", "col")
    if "style" in cell.attrs:
        alignment = str(cell.attrs.pop("style")).rpartition(":")[2]
        cell.attrSet("class", f"align-{alignment}")


def _adapt_images(children: list[Token]) -> None:
    for child in children:
        if child.type == "image":
            child.attrSet("loading", "lazy")
            source = str(child.attrGet("src"))
            if urlsplit(source).scheme.lower() == "mailto":
                child.type, child.attrs = "text", {}
            elif not _is_same_origin(source):
                _link_instead(child)


# Characters that browsers ignore in URLs.
_IGNORED: Final = re.compile("[\x00-\x20]")


def _is_same_origin(source: str) -> bool:
    """Return whether browsers load an image from this site: a URL without scheme and host.

    Browsers read a backslash as a slash.
    """
    seen = _IGNORED.sub("", source).replace("\\", "/")
    return not seen.startswith("//") and not urlsplit(seen).scheme


def _link_instead(image: Token) -> None:
    """Replace an image of another site with a link: loading it would reveal the reader to the site.

    `meta` stores the link text, for excerpts.
    """
    source = str(image.attrGet("src"))
    words = image.content or source
    image.meta["words"] = words
    image.type = "html_inline"
    image.content = f'<a href="{escape(source)}">{escape(words)}</a>'


_TASK = re.compile(r"\[([ xX])\] ")


def _mark_task(item: Token, inline: Token) -> None:
    match = _TASK.match(inline.content)
    if match and inline.children and inline.children[0].content.startswith(match[0]):
        item.attrSet("class", "task")
        mark = "☐ " if match[1] == " " else "☑ "
        inline.children[0].content = mark + inline.children[0].content[match.end() :]


_TAGS: Final = set(
    "p br hr h1 h2 h3 h4 h5 h6 strong b em i u s strike del a img ul ol li"
    " blockquote pre code table thead tbody tfoot tr th td div span".split()
)
_ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "loading"},
    "ol": {"start"},
    "code": {"class"},
    "li": {"class"},
    "th": {"class", "scope"},
    "td": {"class"},
}


def _sanitise(html: str) -> str:
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values={"div": ATTRIBUTES},
        url_schemes=set(_SCHEMES),
        link_rel="nofollow ugc noopener noreferrer",
    )
