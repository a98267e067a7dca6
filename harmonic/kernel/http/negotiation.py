"""Content negotiation: the format that a request asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Format(StrEnum):
    """The format of a response."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"


# The version of the JSON API in its responses.
API_VERSION: Final = "1.0.0"

_SUFFIXES: Final = {".md": Format.MARKDOWN, ".json": Format.JSON}
_SUFFIX = re.compile(r"(?P<page>.*[^/])(?P<suffix>\.md|\.json)(?P<action>/actions(?:/[^/]+)?)?")
# The API reference is a page.
_API_PATH = re.compile(r"(/(collectives|workspace)/[^/]+)?/api(/(?!v1/docs$)|$)|/mcp$")
_ROOTS: Final = frozenset({"/index", "/home"})


def split_suffix(path: str) -> tuple[str, Format | None]:
    """Return the canonical path and the format of its suffix, if it has one.

    The suffix is at the end of the path, or of the page's part of an action's path. `/index.md` and
    `/home.md` are the root, which has no name for a suffix.
    """
    match = _SUFFIX.fullmatch(path)
    if match is None:
        return path, None
    page = "/" if match["page"] in _ROOTS else match["page"]
    action = match["action"] or ""
    return (page.rstrip("/") + action) or "/", _SUFFIXES[match["suffix"]]


def is_api_path(path: str) -> bool:
    """Return whether a path takes tokens only: the JSON API at its bases, and MCP."""
    return _API_PATH.match(path) is not None


@lru_cache(256)
def choose(
    *,
    accept: str | None,
    content_type: str | None,
    suffix: Format | None,
    has_token: bool,
    is_api: bool,
) -> Format | None:
    """Return the format of the response, or None if a token accepts HTML only.

    A suffix takes precedence over `Accept` (RFC 9110), of which the available format with the
    highest quality is chosen, then the first. If none is acceptable the default is chosen: HTML,
    or Markdown with a token.
    """
    if is_api:
        return Format.JSON
    if suffix is not None:
        return suffix
    ranges = _parse(accept or "")
    if has_token:
        return _for_token(ranges, content_type)
    return _best(ranges, default=Format.HTML, others=(Format.MARKDOWN, Format.JSON))


def instead_of_json(accept: str | None, *, has_token: bool) -> Format | None:
    """Return another acceptable format for a document without JSON.

    None if the client accepts no other available format.
    """
    ranges = _parse(accept or "")
    forms = (Format.MARKDOWN,) if has_token else (Format.HTML, Format.MARKDOWN)
    if not any(_takes(ranges, form) for form in forms):
        return None
    return _best(ranges, default=forms[0], others=forms[1:])


def prefers_schema(accept: str | None) -> bool:
    """Return whether `Accept` prefers JSON Schema to plain JSON."""
    ranges = _parse(accept or "")
    schema = _strongest(ranges, ("application/schema+json",))
    plain = _strongest(ranges, ("application/json",))
    if schema is None or schema.quality == 0:
        return False
    if plain is None:
        return True
    return (-schema.quality, schema.position) < (-plain.quality, plain.position)


def prefers_problem(accept: str | None) -> bool:
    """Return whether `Accept` prefers problem details to plain JSON, by name.

    At the same quality they are preferred whatever the order, since they contain the same.
    """
    return prefers_to_json("application/problem+json", accept)


def prefers_to_json(media_type: str, accept: str | None) -> bool:
    """Return whether `Accept` names a media type, with at least the quality of plain JSON."""
    ranges = _parse(accept or "")
    wanted = _strongest(ranges, (media_type,))
    plain = _strongest(ranges, ("application/json",)) or _wildcard(ranges, Format.JSON)
    return (
        wanted is not None
        and wanted.quality > 0
        and (plain is None or wanted.quality >= plain.quality)
    )


@dataclass(frozen=True)
class _Range:
    media_type: str
    quality: float
    position: int


_TYPES: Final = {
    Format.HTML: ("text/html", "application/xhtml+xml"),
    Format.MARKDOWN: ("text/markdown",),
    Format.JSON: ("application/json", "application/schema+json"),
}
_WILDCARDS: Final = {
    Format.HTML: ("text/*", "*/*"),
    Format.MARKDOWN: ("text/*", "*/*"),
    Format.JSON: ("application/*", "*/*"),
}


def _for_token(ranges: list[_Range], content_type: str | None) -> Format | None:
    wanted = [item for item in ranges if item.quality > 0]
    is_html_alone = bool(wanted) and all(r.media_type in _TYPES[Format.HTML] for r in wanted)
    if is_html_alone and not _is_machine_type(content_type):
        return None
    return _best(ranges, default=Format.MARKDOWN, others=(Format.JSON,))


def _is_machine_type(content_type: str | None) -> bool:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return media_type in _TYPES[Format.MARKDOWN] + _TYPES[Format.JSON]


def _best(ranges: list[_Range], *, default: Format, others: tuple[Format, ...]) -> Format:
    """Return the acceptable format of the highest quality.

    A wildcard means the default: browsers send one beside other types. It means the others only if
    the default is excluded.
    """
    claims = [(r, form) for form in others if (r := _named(ranges, form))]
    claim = _named(ranges, default) or _wildcard(ranges, default)
    if claim:
        claims.append((claim, default))
    if default is Format.HTML and claim and claim.media_type == "*/*":
        # A script that accepts JSON and anything equally gets HTML: most pages have no JSON, and it
        # accepts HTML too.
        claims = [c for c in claims if c[1] is not Format.JSON or c[0].quality > claim.quality]
    acceptable = [pair for pair in claims if pair[0].quality > 0]
    if acceptable:
        return min(acceptable, key=lambda pair: (-pair[0].quality, pair[0].position))[1]
    return next((form for form in others if _is_left(ranges, form)), default)


def _takes(ranges: list[_Range], form: Format) -> bool:
    claim = _named(ranges, form) or _wildcard(ranges, form)
    return claim is not None and claim.quality > 0


def _is_left(ranges: list[_Range], form: Format) -> bool:
    """Return whether only a wildcard makes the format acceptable."""
    wildcard = _wildcard(ranges, form)
    return wildcard is not None and wildcard.quality > 0 and _named(ranges, form) is None


def _named(ranges: list[_Range], form: Format) -> _Range | None:
    return _strongest(ranges, _TYPES[form])


def _wildcard(ranges: list[_Range], form: Format) -> _Range | None:
    # The more specific range decides, whatever the qualities.
    for pattern in _WILDCARDS[form]:
        found = _strongest(ranges, (pattern,))
        if found:
            return found
    return None


def _strongest(ranges: list[_Range], media_types: tuple[str, ...]) -> _Range | None:
    matching = [item for item in ranges if item.media_type in media_types]
    return min(matching, key=lambda item: (-item.quality, item.position), default=None)


_ELEMENT = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*"?)+')
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105  # a token of RFC 9110, no secret
_MEDIA_RANGE = re.compile(rf"\s*({_TOKEN}/{_TOKEN})\s*(?:;(.*))?", re.DOTALL)
_QUALITY = re.compile(r"(?:^|;)\s*[qQ]\s*=\s*([^;]*)")
_QVALUE = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


def _parse(header: str) -> list[_Range]:
    """Return the readable ranges of an Accept header (RFC 9110 §12.5.1)."""
    ranges: list[_Range] = []
    for position, element in enumerate(_ELEMENT.findall(header)):
        match = _MEDIA_RANGE.fullmatch(element)
        quality = _quality(match[2] or "") if match else None
        if match and quality is not None:
            ranges.append(_Range(match[1].lower(), quality, position))
    return ranges


def _quality(parameters: str) -> float | None:
    match = _QUALITY.search(parameters)
    if match is None:
        return 1.0
    value = match[1].strip()
    return float(value) if _QVALUE.fullmatch(value) else None
