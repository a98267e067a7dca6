"""Queries of commitments and their participants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from collectives.commitments.models import Commitment, CommitmentParticipant, participants
from collectives.items import queries as items
from collectives.items.kind_queries import KindQueries
from collectives.items.queries import Included
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import Prepared, of_model
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters.fields import LATEST
from harmonic.kernel.refusals import NotFound

Rows = QuerySet[CommitmentParticipant]
# The number of participants listed on the page of a commitment.
NAMED = 10


def _joined_at(user_id: UUID) -> Subquery:
    """Return the expression for the time at which a user joined."""
    own = CommitmentParticipant.objects.filter(commitment=OuterRef("pk"), user=user_id)
    return Subquery(own.values("committed_at")[:1])


class CommitmentQueries(KindQueries[Commitment]):
    """Queries of commitments, with their numbers of participants."""

    numbers: ClassVar[Mapping[str, Callable[[], Any]]] = {"participant_count": participants}
    own: ClassVar[Mapping[str, Callable[[UUID], Any]]] = {"joined_at": _joined_at}


COMMITMENTS = CommitmentQueries(Commitment)


def commitment_at(access: Access, commitment_id: str) -> Commitment:
    """Return the commitment with this ID, deleted or not (`KindQueries.at`)."""
    return COMMITMENTS.at(access, commitment_id)


def live_commitment_at(
    access: Access, commitment_id: str, sentence: str = "Not found"
) -> Commitment:
    """Return a commitment that is not deleted (`KindQueries.live_at`)."""
    return COMMITMENTS.live_at(access, commitment_id, sentence)


# --- Participants ---------------------------------------------------------------------------


def participants_of(commitment: Commitment) -> Rows:
    """Return the participants of a commitment, newest first."""
    return _participants(commitment.id)


def newest_participants_of(commitment: Commitment) -> Sequence[CommitmentParticipant]:
    """Return the newest `NAMED` participants of a commitment."""
    return _NEWEST.rows(commitment=commitment.id)


def _participants(commitment: UUID) -> Rows:
    rows: Rows = CommitmentParticipant.objects.filter(
        commitment=commitment, committed_at__isnull=False
    )
    return rows.order_by("-committed_at", "-id")


_NEWEST = of_model(CommitmentParticipant, lambda commitment: _participants(commitment)[:NAMED])


def participants_in_order(commitment: Commitment, *, with_pending: bool) -> Rows:
    """Return the participants of a commitment, for `participant_order`.

    If `with_pending`, users who left come last.
    """
    rows: Rows = CommitmentParticipant.objects.filter(commitment=commitment.id)
    if not with_pending:
        rows = rows.filter(committed_at__isnull=False)
    return rows.annotate(moment=Coalesce("committed_at", Value(LATEST)))


def participant_order(order: Order) -> Order:
    """Return an order by the time of joining, for the rows of `participants_in_order`."""
    return Order("moment", is_descending=order.is_descending)


def participant_at(commitment: Commitment, participant_id: UUID | None) -> CommitmentParticipant:
    """Return a participant of a commitment, including one who left.

    Raises:
        NotFound: the participant does not exist.
    """
    rows: Rows = CommitmentParticipant.objects.filter(commitment=commitment.id)
    row = rows.filter(id=participant_id).first() if participant_id else None
    if row is None:
        raise NotFound
    return row


def participants_among(item_ids: Iterable[UUID]) -> Included[CommitmentParticipant]:
    """Return at most `items.INCLUDED` participants of several commitments, oldest first."""
    ids = frozenset(item_ids)
    rows = CommitmentParticipant.objects.filter(commitment__in=ids, committed_at__isnull=False)
    found = list(rows.order_by("committed_at", "id")[: items.INCLUDED + 1])
    is_cut = len(found) > items.INCLUDED
    return Included(found[: items.INCLUDED], ids if is_cut else frozenset())


def joined_among(item_ids: Iterable[UUID], user_id: UUID) -> frozenset[UUID]:
    """Return which of several commitments a user has joined."""
    ids = tuple(item_ids)
    return frozenset(_JOINED.rows(commitment__in=ids, user=user_id)) if ids else frozenset()


def _joined(**wanted: Any) -> QuerySet[Any, tuple[Any, ...]]:
    rows: Rows = CommitmentParticipant.objects.filter(committed_at__isnull=False, **wanted)
    return rows.values_list("commitment")


_JOINED: Prepared[UUID] = Prepared(_joined, lambda row: row[0])
