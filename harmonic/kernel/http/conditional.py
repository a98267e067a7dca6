"""Conditional requests (RFC 9110 §13): entity tags and preconditions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from django.http import HttpResponse
from django.utils.http import http_date, parse_http_date_safe

_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
# The suffix that proxies add to the tag of a response they compress: "x-gzip", "x--gzip", "x;br".
_CODING = re.compile(r'(?:--?|;)(?:gzip|br|zstd|deflate)"$')
# Headers that describe a body; a 304 has none.
_OF_A_BODY = ("Content-Type", "Content-Length")

Headers = Mapping[str, str]


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a body."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def matches(header: str, etag: str) -> bool:
    """Return whether `If-None-Match` or `If-Match` contains a tag, by weak comparison.

    Proxies that compress responses change their tags: nginx weakens them, others append the
    coding. A client behind such a proxy sees only the changed tag, so strong comparison would
    refuse all its writes (`docs/api.md`, Conditional writes).
    """
    if header.strip() == "*":
        return True
    return _opaque(etag) in {_opaque(each) for each in _ETAG.findall(header)}


def with_version(etag: str, version: tuple[object, ...]) -> str:
    """Return the tag of a page about something that has several pages: `"version.page"`.

    `If-None-Match` compares all of it, `If-Match` the version (`has_version`).
    """
    return f'"{_version_tag(version)}.{etag.strip(chr(34))}"'


def has_version(header: str, version: tuple[object, ...]) -> bool:
    """Return whether `If-Match` contains the tag of any page with this version."""
    if header.strip() == "*":
        return True
    beginning = f'"{_version_tag(version)}.'
    return any(_opaque(each).startswith(beginning) for each in _ETAG.findall(header))


def _version_tag(version: tuple[object, ...]) -> str:
    return hashlib.blake2b(repr(version).encode(), digest_size=8).hexdigest()


def is_known(headers: Headers, etag: str) -> bool:
    """Return whether `If-None-Match` matches a tag."""
    return "If-None-Match" in headers and matches(headers["If-None-Match"], etag)


def _opaque(etag: str) -> str:
    """Return a tag without the weak prefix and the coding that a proxy appended."""
    return _CODING.sub('"', etag.removeprefix("W/"))


def last_modified(moment: datetime) -> str:
    """Return the value of `Last-Modified`, in whole seconds."""
    return http_date(int(moment.timestamp()))


def is_conditional_write(headers: Headers) -> bool:
    """Return whether a write has a precondition."""
    return "If-Match" in headers or "If-Unmodified-Since" in headers


def is_as_expected(headers: Headers, etag: str, modified_at: datetime | None) -> bool:
    """Return whether the precondition of a write holds; `If-Match` takes precedence over the date.

    An invalid date is ignored, and so is every date if `modified_at` is None.
    """
    if "If-Match" in headers:
        return matches(headers["If-Match"], etag)
    since = parse_http_date_safe(headers.get("If-Unmodified-Since", ""))
    return since is None or modified_at is None or int(modified_at.timestamp()) <= since


def tag(headers: Headers, response: HttpResponse, etag: str) -> None:
    """Set the tag of a read's response; make it an empty 304 if the client has it already.

    `If-Modified-Since` is ignored: dates have whole seconds, and some changes do not update them.
    """
    response["ETag"] = etag
    if is_known(headers, etag):
        response.status_code = 304
        response.content = b""
        for name in _OF_A_BODY:
            response.headers.pop(name, None)
