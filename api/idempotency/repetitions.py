"""Responses to a POST that was already carried out with its key."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import resolve

from api.models import KeyedRequest
from harmonic.http.refusals import api_error
from harmonic.kernel.http.methods import REPLAYED
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import NotFound, Refused
from harmonic.kernel.rendering.documents import keep_private

_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})
SHOWN_ONCE = (
    "You had already submitted this form, so no second token was created. The token was shown in"
    " the first response only and cannot be shown again. If you did not copy it, delete it and"
    " create another one."
)


def redirect_to_result(request: AccessRequest, earlier: KeyedRequest) -> HttpResponse:
    """Redirect to the result of the first submission, whose secret is not stored."""
    if earlier.secret_id:
        messages.warning(request, SHOWN_ONCE)
    else:
        messages.info(request, "You had already submitted this form, so nothing was done again.")
    response = HttpResponseRedirect(earlier.object_path, status=HTTPStatus.SEE_OTHER)
    keep_private(response)
    return response


def replay(request: AccessRequest, earlier: KeyedRequest) -> HttpResponse:
    """Return the stored response, or the created object as it is now.

    A stored refusal refuses this request, too: the agent's log and tools have its reason.

    Raises:
        Refused: the response contained a token, was too long, or its object no longer exists.
    """
    if earlier.secret_id:
        raise Refused(
            "The response contained a token, which is shown only once and is not stored.",
            status=409,
            code="idempotency_secret_unavailable",
            hint=f"Delete the token {earlier.secret_id}, and create another one with another key.",
            extra={"id": earlier.secret_id},
        )
    response = (
        _stored_response(request, earlier)
        if earlier.is_body_kept
        else _current_object(request, earlier)
    )
    if earlier.refusal:
        request.refused = Refused(**earlier.refusal, status=response.status_code)
    response[REPLAYED] = "true"
    keep_private(response)
    return response


def _stored_response(request: AccessRequest, earlier: KeyedRequest) -> HttpResponse:
    assert earlier.status is not None  # it is answered
    if earlier.status >= 400 and is_api_path(earlier.path):
        # Each request chooses whether errors are problem details.
        return api_error(request, json.loads(earlier.body))
    return HttpResponse(earlier.body, status=earlier.status, headers=earlier.headers)


def _current_object(request: AccessRequest, earlier: KeyedRequest) -> HttpResponse:
    """Return the created object as it is now, with the status of the first response.

    Raises:
        Refused: the object no longer exists, or has no API path.
    """
    if not earlier.object_path:
        raise Refused(
            "This request was carried out, but its response was too long to be stored.",
            status=409,
            code="idempotency_answer_not_kept",
            hint="Read what it changed. To repeat the request, use another key.",
        )
    reading = _reading(request, earlier.object_path)
    match = resolve(earlier.object_path)
    # The collective is that of this request, which the caller can access.
    named = {name: value for name, value in match.kwargs.items() if name != "collective"}
    response = cast(HttpResponse, match.func(reading, *match.args, **named))
    if response.status_code != 200:
        raise NotFound(
            "The object that this request created no longer exists.",
            hint="To create it again, use another key.",
        )
    if hasattr(response, "render"):
        response.render()
    response.status_code = cast(int, earlier.status)
    response["Location"] = earlier.headers["Location"]
    del response["Last-Modified"]
    return response


def _reading(request: AccessRequest, path: str) -> AccessRequest:
    """Return a request of the same caller that reads `path`."""
    reading = copy.copy(request)
    reading.__dict__.pop("headers", None)  # computed from META on first access
    reading.method, reading.path, reading.path_info = "GET", path, path
    reading.META = {name: value for name, value in request.META.items() if name not in _CONDITIONS}
    included = {"include": request.GET.getlist("include")}
    reading.GET = QueryDict(urlencode(included, doseq=True))
    access = replace(request.access, path=path, query=reading.GET.dict())
    reading.access = access
    return reading
