"""Cursors of lists: opaque, signed, bound to what they page through, good for a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.core import signing

LIFETIME = timedelta(days=7)
SALT = "harmonic.cursor"

Position = tuple[datetime, UUID]


class BadCursor(ValueError):
    """A cursor that is not ours, is too old, or belongs to another list."""


def encode(position: Position, bound_to: str) -> str:
    """Return the cursor after `position` of the list named by `bound_to`."""
    moment, row_id = position
    return signing.dumps([moment.isoformat(), str(row_id), bound_to], salt=SALT, compress=True)


def decode(cursor: str, bound_to: str) -> Position:
    """Return the position that a cursor names.

    Raises:
        BadCursor: it cannot be read, or was made for another list.
    """
    try:
        moment, row_id, made_for = signing.loads(cursor, salt=SALT, max_age=LIFETIME)
        position = datetime.fromisoformat(moment), UUID(row_id)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor(cursor[:20]) from error
    if made_for != bound_to:
        raise BadCursor("made for another list")
    return position
