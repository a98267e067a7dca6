"""Conditional requests (RFC 9110 §13): entity tags, and what a client says it has already."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from django.http import HttpResponse
from django.utils.http import http_date, parse_http_date_safe

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# What describes a body, and a 304 has none.
_OF_A_BODY = ("Content-Type", "Content-Length")

Headers = Mapping[str, str]


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a body."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def matches(header: str, etag: str) -> bool:
    """Answer whether `If-None-Match` names a tag, by the weak comparison."""
    if header.strip() == "*":
        return True
    return _opaque(etag) in {_opaque(each) for each in _ETAG.findall(header)}


def matches_strongly(header: str, etag: str) -> bool:
    """Answer whether `If-Match` names a tag, by the strong comparison: a weak one never does."""
    if header.strip() == "*":
        return True
    return not etag.startswith("W/") and etag in _ETAG.findall(header)


def is_known(headers: Headers, etag: str) -> bool:
    """Answer whether the client has what a tag stands for, and says so."""
    return "If-None-Match" in headers and matches(headers["If-None-Match"], etag)


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


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
        return matches_strongly(headers["If-Match"], etag)
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
