"""Helpers to create and read commitments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from collectives.commitments.models import Commitment, CommitmentParticipant
from collectives.events.models import Event
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller

FOREVER = timedelta(days=99 * 365)


def propose(where: str = KITCHEN, by: str = "bob", **params: Any) -> str:
    """Create a commitment over REST and return the path of its page."""
    sent = {"title": "Paint the fence", "critical_mass": 2, **params}
    made = Caller(REST, by).act("create_commitment", where, **sent).assert_done()
    return str(made.json["path"])


def row_at(path: str) -> Commitment:
    """Return the commitment whose page has this path."""
    row: Commitment = Commitment.unscoped.get(truncated_id=path.rpartition("/")[2])
    return row


def newest() -> Commitment:
    row: Commitment = Commitment.unscoped.latest("created_at")
    return row


def count(path: str) -> int:
    """Return the number of participants."""
    rows = CommitmentParticipant.unscoped.filter(commitment=row_at(path))
    return int(rows.filter(committed_at__isnull=False).count())


def close(path: str, by: str = "bob") -> None:
    """Close a commitment through its settings."""
    caller = Caller("markdown", by)
    caller.act("update_commitment_settings", path, deadline_option="close_now").assert_done()


def events(path: str) -> list[str]:
    """Return the types of a commitment's events, oldest first."""
    rows = Event.unscoped.filter(item=row_at(path)).order_by("happened_at", "id")
    return [str(row) for row in rows]


def is_open(path: str) -> bool:
    return row_at(path).deadline > timezone.now()
