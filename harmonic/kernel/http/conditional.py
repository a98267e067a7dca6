"""Conditional requests (RFC 9110 §13): entity tags, and what a client says it has already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from django.http import HttpResponse
from django.utils.http import http_date, parse_http_date_safe

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# What proxies append to the tag of an answer that they compress: "x-gzip", "x--gzip", "x;br".
_CODING = re.compile(r'(?:--?|;)(?:gzip|br|zstd|deflate)"$')
# What describes a body, and a 304 has none.
_OF_A_BODY = ("Content-Type", "Content-Length")

Headers = Mapping[str, str]


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a body."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def matches(header: str, etag: str) -> bool:
    """Return whether `If-None-Match` or `If-Match` names a tag, by the weak comparison.

    Proxies that compress answers change tags on the way: nginx weakens them, and others append
    the coding. A writer behind such a proxy only ever sees the changed tag, so a strong comparison
    would refuse each of its writes (`docs/api.md`, Conditional writes).
    """
    if header.strip() == "*":
        return True
    return _opaque(etag) in {_opaque(each) for each in _ETAG.findall(header)}


def is_known(headers: Headers, etag: str) -> bool:
    """Answer whether the client has what a tag stands for, and says so."""
    return "If-None-Match" in headers and matches(headers["If-None-Match"], etag)


def _opaque(etag: str) -> str:
    """Return a tag without its weakness and the coding that a proxy appended."""
    return _CODING.sub('"', etag.removeprefix("W/"))


def last_modified(moment: datetime) -> str:
    """Return the value of `Last-Modified`, which knows whole seconds."""
    return http_date(int(moment.timestamp()))


def is_conditional_write(headers: Headers) -> bool:
    """Answer whether a write says what it expects to find."""
    return "If-Match" in headers or "If-Unmodified-Since" in headers


def is_as_expected(headers: Headers, etag: str, modified_at: datetime | None) -> bool:
    """Answer whether a write finds what its sender has seen; `If-Match` beats the date.

    A date that cannot be read is ignored, as are dates where none is known.
    """
    if "If-Match" in headers:
        return matches(headers["If-Match"], etag)
    since = parse_http_date_safe(headers.get("If-Unmodified-Since", ""))
    return since is None or modified_at is None or int(modified_at.timestamp()) <= since


def tag(headers: Headers, response: HttpResponse, etag: str) -> None:
    """Give the answer to a read its tag; make it an empty 304 where the client has it already.

    Dates decide nothing here: they know seconds, and not all that an answer shows moves them.
    """
    response["ETag"] = etag
    if is_known(headers, etag):
        response.status_code = 304
        response.content = b""
        for name in _OF_A_BODY:
            response.headers.pop(name, None)
