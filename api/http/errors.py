"""Conversion of exceptions into error objects (`docs/api.md`, Errors)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import exceptions

from harmonic.http.refusals import render_refusal
from harmonic.kernel.parameters.decoding import unsupported_media_type
from harmonic.kernel.refusals import NotFound, Refused, Unreadable


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the error response, or None for exceptions that Django handles."""
    refused = refusal_of(error)
    if refused is None:
        return None
    return render_refusal(context["request"]._request, refused)


def refusal_of(error: Exception) -> Refused | None:
    """Return the refusal that an exception stands for, or None if it is an internal error."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound()
    if isinstance(error, exceptions.UnsupportedMediaType):
        return unsupported_media_type()
    if isinstance(error, exceptions.ParseError):
        return Unreadable("The form cannot be read.")
    return None
