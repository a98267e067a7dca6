"""Forms that were interrupted: kept in the session until their sender signed in or reverified.

A form is kept for the person who sent it, in the session of their browser, on the server. It holds
neither a password nor a CSRF token, and it is sent again only by that person's click.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.urls import resolve
from django.urls.exceptions import Resolver404

from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import RoutedView
from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.decoding import declared_fields, read_body_params
from harmonic.kernel.parameters.fields import Block, Line, widget_of
from harmonic.kernel.refusals import Refused
from harmonic.kernel.rendering.text import is_blank

KEPT_FOR = timedelta(minutes=30)
# A longer form is not kept: every request of the session would load it.
MAX_CHARACTERS = 2_000_000
FORM = "kept_form"
CSRF_FIELD = "csrfmiddlewaretoken"


@dataclass(frozen=True, slots=True)
class TypedText:
    """A text field of a form, with the text typed."""

    label: str
    text: str
    is_long: bool


@dataclass(frozen=True, slots=True)
class KeptForm:
    """A form to be sent again: its path, its values, and what a reader can check."""

    path: str
    values: tuple[tuple[str, str], ...]
    label: str
    texts: tuple[TypedText, ...]


def keep_form(request: AccessRequest, user_id: UUID) -> bool:
    """Keep the form of an action for the person who sent it; return whether it is kept."""
    action = _action_of(request)
    if action is None:
        return False
    values = [
        (name, str(value))
        for name in request.POST
        if not _is_secret(name)
        for value in request.POST.getlist(name)
    ]
    if not values or sum(len(value) for _, value in values) > MAX_CHARACTERS:
        return False
    access: Access = request.access
    request.session[FORM] = {
        "user": str(user_id),
        "tenant": str(access.tenant.id),
        "at": access.now.timestamp(),
        "path": access.path,
        "label": action.label,
        "values": values,
        "texts": [(each.label, each.text, each.is_long) for each in typed_texts(request)],
    }
    return True


def has_form(session: SessionBase, now: datetime) -> bool:
    """Return whether a session keeps a form of any person."""
    return _is_recent(session.get(FORM, {}), now)


def kept_form(session: SessionBase, access: Access) -> KeptForm | None:
    """Return the form that a session keeps for its person in this tenant, None if there is none."""
    kept = session.get(FORM, {})
    if not _is_recent(kept, access.now) or not _is_of(kept, access.user.user_id, access.tenant.id):
        return None
    return KeptForm(
        kept["path"],
        tuple((name, value) for name, value in kept["values"]),
        kept["label"],
        tuple(TypedText(*each) for each in kept["texts"]),
    )


def discard_stale(session: SessionBase, now: datetime) -> None:
    """Remove a form whose time has run out."""
    if FORM in session and not _is_recent(session[FORM], now):
        del session[FORM]


def discard_of_others(session: SessionBase, user_id: UUID, tenant_id: UUID) -> None:
    """Remove a form that another person sent, before this one signs in."""
    if FORM in session and not _is_of(session[FORM], user_id, tenant_id):
        del session[FORM]


def _is_recent(kept: Mapping[str, Any], now: datetime) -> bool:
    return bool(kept) and now.timestamp() - kept["at"] < KEPT_FOR.total_seconds()


def _is_of(kept: Mapping[str, Any], user_id: UUID, tenant_id: UUID) -> bool:
    return (kept["user"], kept["tenant"]) == (str(user_id), str(tenant_id))


# --- What was typed -------------------------------------------------------------------------


def typed_texts(request: AccessRequest) -> tuple[TypedText, ...]:
    """Return the texts in the form of a request, by the fields of the action that it runs."""
    action = _action_of(request)
    if action is None or action.params is None:
        return ()
    try:
        sent = read_body_params(request)
    except Refused:
        return ()
    return tuple(_typed(action, sent.values)) if sent.is_form else ()


def _typed(action: Action[Any], values: Mapping[str, Any]) -> Iterable[TypedText]:
    assert action.params is not None
    for name, field in declared_fields(action.params).items():
        widget = widget_of(field)
        text = "".join(values.get(name, [])[-1:])
        if widget.is_hidden or widget.kind or not isinstance(field, Block | Line) or is_blank(text):
            continue
        label = str(field.label or wording.humanize(name))
        yield TypedText(label, text, isinstance(field, Block))


def _action_of(request: AccessRequest) -> Action[Any] | None:
    """Return the action that a request runs, also if it was refused before it was routed."""
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return None
    if not isinstance(match.func, RoutedView):
        return None
    return match.func.action(request.method or "", match.kwargs.get("action_name", ""))


def _is_secret(name: str) -> bool:
    return name == CSRF_FIELD or "password" in name.lower()
