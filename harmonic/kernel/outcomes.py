"""Notices and headers of responses to actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.rendering.documents import in_header
from harmonic.kernel.scopes import Verb


def add_notices(request: HttpRequest, outcome: Outcome) -> None:
    """Add the notices of an outcome to the next page. The first one offers to undo the action.

    The tags of a message carry the path and the label of the button, because sessions keep messages
    as text.
    """
    undo = f"{outcome.undo.path} {outcome.undo.label}" if outcome.undo else ""
    messages.success(request, outcome.message, extra_tags=undo)
    for note in outcome.notes:
        messages.success(request, note)


def location_of_new(access: Access, action: Action[Any], outcome: Outcome) -> Mapping[str, str]:
    """Return the `Location` header of a JSON response to an action that created something."""
    is_new = action.scope.verb is Verb.CREATE and action.emits.endswith(".created")
    if access.format != Format.JSON or not is_new or outcome.resource is None:
        return {}
    return {"Location": in_header(outcome.resource.path)}
