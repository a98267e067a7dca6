"""Removal of API tokens from responses and logs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.http import HttpResponse
from django.http.response import HttpResponseBase

FILTERED = "[filtered]"


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """A new token that is shown in one response only."""

    plaintext: str
    token_id: str
    # The page of the token, for a form that is sent again.
    path: str = ""


# Responses are classes of Django and REST framework, so the token is stored beside them.
_shown_once: WeakKeyDictionary[HttpResponseBase, ShownOnce] = WeakKeyDictionary()

# The underscore may be escaped, as in Markdown and URLs, or a space, as in the name of a field
# that begins a sentence.
_PREFIX = r"[Hh]mn(?:_|\\_|%(?:25)*5[Ff]| )"
# In logs the beginning of a token is removed too.
_LOGGED = re.compile(_PREFIX + "([0-9A-Za-z]{6,})")
# Responses repeat text such as `hmn_example`; only what can be a whole token is removed.
_ANSWERED = re.compile(_PREFIX + "([0-9A-Za-z]{36,})")


def without_tokens(text: str) -> str:
    """Return a log text with everything that looks like a token replaced."""
    return _LOGGED.sub(f"hmn_{FILTERED}", text) if _may_hold(text) else text


def as_json(value: Any) -> Any:
    """Return a value for JSON with everything that looks like a token replaced."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    return without_tokens(str(value))


def _answered(text: str, replacement: str, shown: str) -> str:
    """Return a part of a response with every token except `shown` replaced."""
    kept = shown.removeprefix("hmn_")
    return _ANSWERED.sub(lambda m: m[0] if kept and m[1] == kept else replacement, text)


def _may_hold(text: str) -> bool:
    """Return whether a text can contain a token; much faster than the search."""
    return "hmn" in text or "Hmn" in text


def redact(response: HttpResponseBase) -> None:
    """Remove tokens from the headers and the body of a response.

    A token that was marked with `show_once` stays.
    """
    once = shown_once_by(response)
    shown = once.plaintext if once else ""
    for name, value in list(response.items()):
        if _may_hold(value):
            # Most of these values are URLs.
            response.headers[name] = _answered(value, "hmn_%5Bfiltered%5D", shown)
    if isinstance(response, HttpResponse) and (
        b"hmn" in response.content or b"Hmn" in response.content
    ):
        # Latin-1 decodes any bytes, and tokens are ASCII.
        body = response.content.decode("latin-1")
        response.content = _answered(body, f"hmn_{FILTERED}", shown).encode("latin-1")
        if "Content-Length" in response.headers:
            response.headers["Content-Length"] = str(len(response.content))


def show_once(response: HttpResponseBase, shown: ShownOnce) -> None:
    """Mark a new token that the response shows."""
    _shown_once[response] = shown


def shown_once_by(response: HttpResponseBase) -> ShownOnce | None:
    """Return the new token that a response shows, or None."""
    return _shown_once.get(response)
