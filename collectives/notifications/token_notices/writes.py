"""Notifications about API tokens that were created or rotated."""

from __future__ import annotations

from uuid import UUID

from collectives.notifications.token_notices.people import (
    active_person,
    day,
    named,
    notify_of_tokens,
    responsible_for,
    tokens_with_owners,
)
from harmonic.kernel.access import Access
from harmonic.kernel.events import Event
from tokens.models import ApiToken, token_path
from tokens.queries import access_in_words


def notify_of_token(event: Event, access: Access) -> None:
    """Notify the person who manages a token that was created or rotated, by them or others."""
    kind = f"{event.subject}.{event.verb}"
    if kind == "token.created":
        _notify_of_id(event, event.facts["token_id"], "was created")
    elif kind == "token.rotated":
        _notify_of_id(event, event.facts["successor_id"], "was rotated")
    elif kind == "agent.created":
        made = tokens_with_owners().filter(owner=event.object, created_at=event.happened_at)
        for token in made:
            _notify(event, token, "was created")


def _notify_of_id(event: Event, token_id: UUID, what: str) -> None:
    _notify(event, tokens_with_owners().get(id=token_id), what)


def _notify(event: Event, token: ApiToken, what: str) -> None:
    user_id = responsible_for(token.owner)
    if active_person(event.tenant_id, user_id) is None:
        return
    body = (
        f"Access: {access_in_words(token.scopes)}. Expires {day(token.expires_at)}."
        " If this was not you, delete the token and change your password."
    )
    path = token_path(token.owner, token.id)
    notify_of_tokens(
        user_id, [token], f"{named(token)} {what}", body, path, event.happened_at, event
    )
