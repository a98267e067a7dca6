"""Cursors of lists: opaque, signed, bound to their list, valid for a week.

A cursor contains a position in a list that is ordered by a time and then by ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core import signing
from django.db.models import Q
from django.utils import timezone

LIFETIME = timedelta(days=7)
SALT = "harmonic.cursor"

Position = tuple[datetime, UUID]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list: by a time column, then by ID, in the same direction."""

    moment: str
    is_descending: bool = True

    @property
    def columns(self) -> tuple[str, str]:
        sign = "-" if self.is_descending else ""
        return f"{sign}{self.moment}", f"{sign}id"

    @property
    def reversed(self) -> Order:
        return Order(self.moment, not self.is_descending)

    def beyond(self, position: Position) -> Q:
        moment, row_id = position
        word = "lt" if self.is_descending else "gt"
        return Q(**{f"{self.moment}__{word}": moment}) | Q(
            **{self.moment: moment, f"id__{word}": row_id}
        )


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[T]):
    """Some rows of a list, and the position after which the next ones follow, if there are any."""

    rows: Sequence[T]
    end: Position | None = None


class BadCursor(ValueError):
    """The cursor has a bad signature, is too old, or belongs to another list."""


def encode(position: Position, bound_to: str) -> str:
    """Return the cursor after `position` of the list named by `bound_to`."""
    moment, row_id = position
    return encode_values([moment.isoformat(), str(row_id)], bound_to)


def decode(cursor: str, bound_to: str) -> Position:
    """Return the position of a cursor.

    Raises:
        BadCursor: the cursor is invalid or too old, or belongs to another list.
    """
    try:
        moment, row_id = decode_values(cursor, bound_to)
        return datetime.fromisoformat(moment), UUID(row_id)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor[:20]) from error


def encode_values(values: Sequence[Any], bound_to: str) -> str:
    """Return the cursor after a position in a list with another order, as JSON values.

    It is the same all day, so that an unchanged page keeps its tag.
    """
    today = timezone.now().date().toordinal()
    return signing.Signer(salt=SALT).sign_object([*values, bound_to, today], compress=True)


def decode_values(cursor: str, bound_to: str) -> list[Any]:
    """Return the position of a cursor of `encode_values`.

    Raises:
        BadCursor: the cursor is invalid or too old, or belongs to another list.
    """
    values: list[Any]
    try:
        *values, made_for, made_on = signing.Signer(salt=SALT).unsign_object(cursor)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor(cursor[:20]) from error
    if made_for != bound_to:
        raise BadCursor("made for another list")
    if timezone.now().date().toordinal() - made_on > LIFETIME.days:
        raise BadCursor("too old")
    return values
