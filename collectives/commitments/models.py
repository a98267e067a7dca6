"""Models of commitments and their participants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from collectives.items.deadlines import is_closed
from collectives.items.kinds import Kind, register
from collectives.items.models import KindModel, size_of
from harmonic.kernel.database.tenancy import TenantModel

# The highest percentage of a commitment below its critical mass.
ALMOST = 99


class Status(StrEnum):
    """The state of a commitment, which is computed from its participants and its deadline."""

    PENDING = "pending"
    ACHIEVED = "achieved"
    FAILED = "failed"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Status.PENDING: "Pending",
    Status.ACHIEVED: "Critical mass achieved.",
    Status.FAILED: "Failed to reach critical mass.",
}


def progress(count: int, critical_mass: int) -> int:
    """Return `count` participants as a percentage of the critical mass.

    It is rounded half up, and is 100 only if the critical mass is reached.
    """
    if count >= critical_mass:
        return 100
    return min(ALMOST, (200 * count + critical_mass) // (2 * critical_mass))


class Commitment(KindModel):
    """Something that members do together once enough of them have joined."""

    KIND = "Commitment"
    DESCRIPTION_LENGTH = 1_000_000
    LOCATION_LENGTH = 1000
    MAX_CRITICAL_MASS = 1_000_000

    class Subtype(models.TextChoices):
        ACTION = "action"
        CALENDAR_EVENT = "calendar_event"
        POLICY = "policy"

    DEFAULT_SUBTYPE = Subtype.ACTION

    critical_mass = models.PositiveIntegerField()
    # The number of participants at which it closes.
    limit = models.PositiveIntegerField(null=True, blank=True)
    # For calendar events only.
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    location = models.CharField(max_length=LOCATION_LENGTH, blank=True, default="")
    # When the event for its passed deadline was recorded.
    deadline_event_fired_at = models.DateTimeField(null=True, blank=True)
    # Lists read the size before the text, so it comes first (see `Note`).
    size = size_of("description")
    description = models.TextField(blank=True, default="")

    participant_count: int  # annotated by the queries of commitments
    joined_at: datetime | None  # the reader's own, annotated for one commitment

    class Meta(KindModel.Meta):
        constraints = (
            models.CheckConstraint(
                name="commitment_critical_mass_positive", condition=Q(critical_mass__gt=0)
            ),
            models.CheckConstraint(
                name="commitment_limit_not_below_mass",
                condition=Q(limit__isnull=True) | Q(limit__gte=F("critical_mass")),
            ),
            models.CheckConstraint(
                name="commitment_ends_after_start",
                condition=Q(starts_at__isnull=True, ends_at__isnull=True)
                | Q(starts_at__isnull=False, ends_at__gt=F("starts_at")),
            ),
        )
        indexes = (
            models.Index(
                fields=["item"],
                condition=Q(deadline_event_fired_at__isnull=True),
                name="commitment_deadline_to_come",
            ),
        )

    @property
    def is_event(self) -> bool:
        return self.subtype == Commitment.Subtype.CALENDAR_EVENT

    @property
    def is_joined(self) -> bool:
        """Return whether the reader has joined."""
        return self.joined_at is not None

    @property
    def is_achieved(self) -> bool:
        return self.participant_count >= self.critical_mass

    @property
    def missing(self) -> int:
        """The number of participants missing to critical mass."""
        return max(0, self.critical_mass - self.participant_count)

    @property
    def progress(self) -> int:
        """The progress to critical mass, in percent."""
        return progress(self.participant_count, self.critical_mass)

    def is_closed(self, now: datetime) -> bool:
        """Return whether it is closed at `now`, the time of a request.

        A write happens after its request began, and its response must show what the write did.
        """
        return is_closed(self.deadline, max(now, self.last_activity_at))

    def status(self, now: datetime) -> Status:
        if self.is_achieved:
            return Status.ACHIEVED
        return Status.FAILED if self.is_closed(now) else Status.PENDING


class CommitmentParticipant(TenantModel):
    """A user who joined a commitment. After leaving it, `committed_at` is null."""

    commitment = models.ForeignKey(
        Commitment, on_delete=models.CASCADE, related_name="participants"
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    committed_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "commitment", "user"], name="commitment_participant_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "commitment", "-committed_at", "-id", "user"],
                condition=Q(committed_at__isnull=False),
                name="commitment_participants_newest",
            ),
        )

    def __str__(self) -> str:
        return str(self.user_id)


def participants() -> Coalesce:
    """Return the expression for the number of participants of an item."""
    rows = CommitmentParticipant.objects.filter(
        commitment=OuterRef("pk"), committed_at__isnull=False
    )
    counts = rows.order_by().values("commitment").annotate(number=models.Count("id"))
    return Coalesce(Subquery(counts.values("number")), 0)


def joined_by(user_ids: Sequence[UUID]) -> Exists:
    """Return the condition of the commitments that one of some users joined."""
    rows = CommitmentParticipant.unscoped.filter(
        tenant=OuterRef("tenant"), commitment=OuterRef("pk"), committed_at__isnull=False
    )
    return Exists(rows.filter(user__in=user_ids))


register(
    Kind(
        Commitment,
        page="commitments.show",
        text="description",
        count=participants,
        count_words=("participant", "participants"),
        mentions_in=("title", "description"),
        out_of="critical_mass",
        numbers={"participant_count": participants},
        people={"participant": joined_by},
    )
)
