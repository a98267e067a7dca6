"""Conversion of the main block of an HTML page to Markdown.

User strings never reach the converter: while the template renders, each is replaced by a
placeholder of noncharacters, which stored text cannot contain. They are inserted at the end,
escaped or fenced for their position.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bs4 import Tag
from markdownify import ATX, BACKSLASH, MarkdownConverter

from harmonic.kernel.rendering.text import normalise_block, normalise_line

if TYPE_CHECKING:
    from collections.abc import Callable

# A placeholder is OPEN, the number of the string, CLOSE.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
# Around the parts of converted Markdown in which escaping follows other rules.
_CODE, _CODE_END = "\ufdd2", "\ufdd3"
_PRE, _PRE_END = "\ufdd4", "\ufdd5"
_HREF, _HREF_END = "\ufdd6", "\ufdd7"

_PLACEHOLDER = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_PART = re.compile(
    f"{_CODE}(?P<code>[^{_CODE_END}]*){_CODE_END}"
    f"|{_PRE}(?P<pre>[^{_PRE_END}]*){_PRE_END}"
    f"|{_HREF}(?P<href>[^{_HREF_END}]*){_HREF_END}"
    f"|(?m:^[ ]*{_OPEN}(?P<alone>[0-9]+){_CLOSE}[ ]*$)"
    f"|{_OPEN}(?P<inline>[0-9]+){_CLOSE}(?P<next>[\\[.)]?)"
)


class Placeholders:
    """The user strings of a page and their placeholders."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._kinds: list[str] = []

    @property
    def kept(self) -> tuple[list[str], list[str]]:
        """The kinds of the strings, and the strings."""
        return self._kinds, self._texts

    def line(self, text: str) -> str:
        """Add a one-line string and return its placeholder."""
        return self._keep("line", normalise_line(text))

    def code(self, text: str) -> str:
        """Add a string for a <code> element, such as a handle or an ID."""
        return self._keep("line", normalise_line(text))

    def block(self, text: str) -> str:
        """Add a text of several lines; its placeholder must be alone in a <p>."""
        return self._keep("block", normalise_block(text))

    def raw(self, markdown: str) -> str:
        """Add Markdown that is safe already and is not escaped."""
        return self._keep("raw", markdown)

    def restore(self, markdown: str) -> str:
        """Return converted Markdown with the strings in place of their placeholders.

        It is a single pass, so placeholders inside of strings are not replaced.
        """
        return _PART.sub(self._restore_part, markdown)

    def _keep(self, kind: str, text: str) -> str:
        self._kinds.append(kind)
        self._texts.append(text)
        return f"{_OPEN}{len(self._texts) - 1}{_CLOSE}"

    def _restore_part(self, match: re.Match[str]) -> str:
        part = match.lastgroup if match.lastgroup != "next" else "inline"
        if part == "code":
            return _code_span(self._plain(match["code"]))
        if part == "pre":
            return fence(self._plain(match["pre"]), info="")
        if part == "href":
            return quote(self._plain(match["href"]), safe=_URL_SAFE)
        if part == "alone":
            return self._alone(int(match["alone"]))
        return self._inline(int(match["inline"]), match["next"])

    def _plain(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self._text(int(match[1])), text)

    def _text(self, number: int) -> str:
        return self._texts[number] if number < len(self._texts) else ""

    def _alone(self, number: int) -> str:
        if number < len(self._kinds) and self._kinds[number] == "block":
            return fence(self._texts[number])
        return self._inline(number, "")

    def _inline(self, number: int, following: str) -> str:
        text = self._text(number)
        if number < len(self._kinds) and self._kinds[number] == "raw":
            return text + following
        return _join(escape_line(text), following)


def _join(escaped: str, following: str) -> str:
    """Join a string and the template's next character without making an image or a list marker."""
    if following == "[" and escaped.endswith("!"):
        return escaped[:-1] + "\\!["
    if following in {".", ")"} and re.fullmatch(r"[0-9]{1,9}", escaped):
        return f"{escaped}\\{following}"
    return escaped + following


_ANYWHERE = re.compile(r"[\\`*\[\]<>|&#~]|(?<![^\W_])_|_(?![^\W_])|!(?=\[)|:(?=//)")
_AUTOLINK = re.compile(r"(?<=www)\.|(?<=[\w.+-])@(?=\w)", re.IGNORECASE)
# Line starts that make a list, a rule, a setext underline or the rule of a table.
_LINE_START = re.compile(r"^(?:([0-9]{1,9})(?=[.)](?:\s|$))|(?=[-+=]|:-))")


def escape_line(text: str) -> str:
    """Return a one-line string, escaped to be plain text anywhere in Markdown.

    That includes line starts, headings, list items, table cells and link texts. Only backslashes
    are used, no entities, so that the text contains the stored characters.
    """
    line = normalise_line(text)
    line = _AUTOLINK.sub(r"\\\g<0>", _ANYWHERE.sub(r"\\\g<0>", line))
    return _LINE_START.sub(r"\1\\", line)


def fence(text: str, *, info: str = "markdown") -> str:
    """Return the text in a fence longer than any inside, without a newline at the end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{marks}{info}\n{text}{end}{marks}"


# White space before blocks in templates, which would be nodes of the parsed document.
_BEFORE_BLOCKS = re.compile(
    r"\s*\n\s*(?=</?(?:div|h[1-6]|li|ol|p|section|table|tbody|td|th|thead|tr|ul)[\s>])"
)


def html_to_markdown(html: str) -> str:
    """Convert the HTML of a page's main block to Markdown that ends with one newline.

    User strings must be placeholders.
    """
    markdown = _Converter().convert(_BEFORE_BLOCKS.sub("", html))
    tidy = re.sub(r"[ \t]+$", "", markdown, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", tidy).strip("\n") + "\n"


def render(
    html: str, placeholders: Placeholders, choose: Callable[[str], str] = lambda body: body
) -> str:
    """Return the Markdown of a page; conversions of equal HTML are cached.

    `choose` selects parts of it before the user strings are inserted.
    """
    return placeholders.restore(choose(_conversions.get(html)))


class _Conversions:
    """A thread-safe cache of the latest conversions, by the digest of their HTML."""

    MAX_ENTRIES: Final = 512
    MAX_LENGTH: Final = 200_000

    def __init__(self, convert: Callable[[str], str]) -> None:
        self._convert = convert
        self._entries: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, html: str) -> str:
        key = hashlib.blake2b(html.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        markdown = self._convert(html)
        if len(markdown) <= self.MAX_LENGTH:
            self._put(key, markdown)
        return markdown

    def _put(self, key: bytes, markdown: str) -> None:
        with self._lock:
            self._entries[key] = markdown
            while len(self._entries) > self.MAX_ENTRIES:
                self._entries.popitem(last=False)


_conversions = _Conversions(html_to_markdown)

_URL_SAFE: Final = "/:?&=%#@+,;~-._!$'"
_DROPPED: Final = frozenset(
    "script style template form button svg input select textarea dialog".split()
)


def _code_span(text: str) -> str:
    # A backtick needs longer marks, and a pipe would split a table cell. Such strings are rare
    # here, and are escaped as text instead.
    if "`" in text or "|" in text or not text:
        return escape_line(text)
    return f"`{text}`"


class _Converter(MarkdownConverter):
    """The converter of markdownify with the rules of our pages."""

    def __init__(self) -> None:
        super().__init__(
            autolinks=False,
            bullets="*",
            escape_asterisks=False,
            escape_underscores=False,
            heading_style=ATX,
            newline_style=BACKSLASH,
            # Replaces line breaks of the template with spaces; no text is wrapped.
            wrap=True,
            wrap_width=None,
        )

    def process_tag(self, node: Tag, parent_tags: set[str] | None = None) -> str:
        if node.name in _DROPPED or node.has_attr("hidden"):
            return ""
        if "html-only" in node.get_attribute_list("class"):
            return ""
        return str(super().process_tag(node, parent_tags=parent_tags))  # type: ignore[misc]  # untyped there

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Escape the decoded entities of the template's text."""
        escaped = re.sub(r"[<`]|&(?=#?\w+;)", r"\\\g<0>", text)
        if not parent_tags.isdisjoint({"td", "th"}):
            escaped = escaped.replace("|", "\\|")
        return escaped

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        label = re.sub(r"\s+", " ", text)
        href = el.get("href")
        if "_noformat" in parent_tags or not href or not label.strip():
            return label
        before = " " if label.startswith(" ") else ""
        after = " " if label.endswith(" ") else ""
        return f"{before}[{label.strip()}]({_target(str(href))}){after}"

    def convert_code(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if "_noformat" in parent_tags:
            return text
        span = re.sub(r"\s+", " ", text).strip()
        if _OPEN in span:
            return f"{_CODE}{span}{_CODE_END}"
        if not parent_tags.isdisjoint({"td", "th"}):
            span = span.replace("|", "\\|")
        return str(super().convert_code(el, span, parent_tags))  # type: ignore[misc]  # untyped there

    convert_kbd = convert_code
    convert_samp = convert_code

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        content = text.strip("\n")
        if _OPEN in content:
            return f"\n\n{_PRE}{content}{_PRE_END}\n\n"
        return "\n\n" + fence(content, info="") + "\n\n" if content.strip() else ""

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n* {_one_line(text)}:"

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f" {_one_line(text)}"

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        content = text.strip()
        if not content:
            return "\n"
        bullet = self._bullet(el)
        indent = " " * len(bullet)
        lines = content.split("\n")
        rest = [indent + line if line else "" for line in lines[1:]]
        return "\n".join([bullet + lines[0], *rest]) + "\n"

    def _bullet(self, item: Tag) -> str:
        parent = item.parent
        if parent is None or parent.name != "ol":
            return "* "
        # The number is stored on the list: counting from each item is quadratic.
        start = str(parent.get("start") or "1")
        number = int(str(parent.get("next-number") or (start if start.isdecimal() else "1")))
        parent.attrs["next-number"] = str(number + 1)
        return f"{number}. "

    def convert_summary(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        content = text.strip()
        if "_inline" in parent_tags:
            return f" {content} "
        return f"\n\n{content}\n\n" if content else ""

    convert_address = convert_aside = convert_details = convert_summary
    convert_fieldset = convert_figure = convert_footer = convert_summary
    convert_header = convert_hgroup = convert_main = convert_nav = convert_summary


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _target(href: str) -> str:
    if _OPEN in href:
        return f"{_HREF}{href}{_HREF_END}"
    return quote(href, safe=_URL_SAFE + "*")
