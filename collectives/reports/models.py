"""Model of content reports to the admins of the tenant."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef

from accounts.models import User
from collectives.items.kinds import add_flag
from collectives.items.models import Item
from collectives.models import Collective
from harmonic.kernel.database.tenancy import TenantModel


class Reason(models.TextChoices):
    """Reasons for a report."""

    HARASSMENT = "harassment", "Harassment"
    SPAM = "spam", "Spam"
    INAPPROPRIATE = "inappropriate", "Inappropriate content"
    MISINFORMATION = "misinformation", "Misinformation"
    OTHER = "other", "Something else"


class Status(models.TextChoices):
    """States of a report. Admins set all except the first."""

    PENDING = "pending", "Pending"
    REVIEWED = "reviewed", "Reviewed"
    DISMISSED = "dismissed", "Dismissed"
    ACTIONED = "actioned", "Actioned"


class Report(TenantModel):
    """A report of an item, with a copy of its content at that time.

    Editing or deleting the item does not change the copy. `author` is the author of the item.
    """

    DESCRIPTION_LENGTH = 10_000
    NOTES_LENGTH = 10_000
    # The maximum length of the copied text.
    COPIED = 100_000

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="reports")
    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="+")
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reporter = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=16, choices=Reason)
    description = models.TextField(blank=True, default="")
    title = models.CharField(max_length=Item.TITLE_LENGTH, blank=True, default="")
    text = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    status = models.CharField(max_length=16, choices=Status, default=Status.PENDING)
    reviewed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    admin_notes = models.TextField(blank=True, default="")

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "item", "reporter"], name="report_once"),
        )
        indexes = (
            models.Index(
                fields=["tenant", "status", "-created_at", "-id"], name="report_by_status"
            ),
            models.Index(fields=["tenant", "-created_at", "-id"], name="report_newest"),
            models.Index(fields=["tenant", "author"], name="report_of_author"),
        )

    def __str__(self) -> str:
        return f"{self.reason}: {self.item_id}"

    @property
    def shown_title(self) -> str:
        return self.title or "Untitled"


def is_reported(user_id: UUID) -> Exists:
    """Return the expression for whether a user has reported an item."""
    return Exists(Report.objects.filter(item=OuterRef("pk"), reporter=user_id))


add_flag("is_reported", is_reported)
