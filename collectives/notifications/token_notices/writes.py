"""Notifications about API tokens that were created or rotated."""

from __future__ import annotations

from uuid import UUID

from collectives.notifications.token_notices.people import (
    day,
    named,
    responsible_for,
    tell,
    tokens_with_owners,
    told_person,
)
from harmonic.kernel.access import Access
from harmonic.kernel.events import Event
from tokens.models import ApiToken, token_path
from tokens.queries import access_in_words


def notify_of_token(event: Event, access: Access) -> None:
    """Notify the person who manages a token that was just created or rotated, by whomever."""
    kind = f"{event.subject}.{event.verb}"
    if kind == "token.created":
        _tell_of(event, event.facts["token_id"], "was created")
    elif kind == "token.rotated":
        _tell_of(event, event.facts["successor_id"], "was rotated")
    elif kind == "agent.created":
        made = tokens_with_owners().filter(owner=event.object, created_at=event.happened_at)
        for token in made:
            _tell(event, token, "was created")


def _tell_of(event: Event, token_id: UUID, what: str) -> None:
    _tell(event, tokens_with_owners().get(id=token_id), what)


def _tell(event: Event, token: ApiToken, what: str) -> None:
    user_id = responsible_for(token.owner)
    if told_person(event.tenant_id, user_id) is None:
        return
    body = (
        f"Access: {access_in_words(token.scopes)}. Expires {day(token.expires_at)}."
        " If this was not you, delete the token and change your password."
    )
    path = token_path(token.owner, token.id)
    tell(user_id, [token], f"{named(token)} {what}", body, path, event.happened_at, event)
