"""Dry runs: writes that are checked, carried out and rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from rest_framework.response import Response

from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.decoding import DRY_RUN, RawParams, read_params, split_dry_run
from harmonic.kernel.refusals import Refused

# Headers about an object that a dry run does not leave behind.
NOT_TRUE = ("ETag", "Location")


def is_dry_run(request: HttpRequest) -> bool:
    """Return whether a write has `dry_run`, in the query or in the body.

    Raises:
        Invalid: the value is not a boolean.
    """
    if request.method in SAFE:
        return False
    try:
        raw = read_params(request)
    except Refused:
        # Actions without parameters take any body.
        raw = RawParams(dict(request.GET.lists()), is_form=True)
    return split_dry_run(raw)[1]


def run_and_roll_back(respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the response to a write whose changes are rolled back, marked as a dry run."""
    with audit.without_recording(), transaction.atomic():
        response = respond()
        transaction.set_rollback(True)
    if isinstance(response, Response) and response.status_code == 200:
        response.data = _marked(response.data)
        for name in NOT_TRUE:
            del response[name]
    return response


def _marked(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object marked as the result of a dry run, without the plaintext of a token."""
    marked = {**shown, DRY_RUN: True}
    if "token" in marked:
        marked["token"] = None
    if "message" in marked:
        marked["message"] = f"Nothing was changed. The response would be: {marked['message']}"
    return marked
