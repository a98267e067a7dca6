"""Model of the links between items, and expressions that count them."""

from __future__ import annotations

from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce

from collectives.items.kinds import add_flag, add_number
from collectives.items.models import Item
from collectives.models import Collective
from harmonic.kernel.database.tenancy import TenantModel


class Link(TenantModel):
    """A link from the current text of an item to another item of its collective.

    Links of deleted items are kept, so that restoring an item restores its links. `created_at` is
    the time when the link was added to the source.
    """

    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="+")
    source = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="links")
    target = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="backlinks")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "source", "target"], name="link_once"),
            models.CheckConstraint(
                name="link_to_another_item", condition=~models.Q(source=models.F("target"))
            ),
        )
        indexes = (
            models.Index(
                fields=["tenant", "target", "-created_at", "-id", "source"], name="link_to"
            ),
            models.Index(
                fields=["tenant", "collective", "target", "created_at", "source"],
                name="link_in_collective",
            ),
        )

    def __str__(self) -> str:
        return f"{self.source_id} to {self.target_id}"


def links() -> Coalesce:
    """Return the expression for the number of items that an item links to."""
    rows = Link.objects.filter(source=OuterRef("pk"), target__deleted_at=None)
    return _counted(rows, "source")


def backlinks() -> Coalesce:
    """Return the expression for the number of items that link to an item."""
    rows = Link.objects.filter(target=OuterRef("pk"), source__deleted_at=None)
    return _counted(rows, "target")


def has_backlinks(user_id: UUID) -> Exists:
    """Return the expression for whether any item links to an item."""
    return Exists(Link.objects.filter(target=OuterRef("pk"), source__deleted_at=None))


def _counted(rows: models.QuerySet[Link], end: str) -> Coalesce:
    counts = rows.order_by().values(end).annotate(number=Count("id"))
    return Coalesce(Subquery(counts.values("number")), 0)


add_flag("has_backlinks", has_backlinks)
add_number("link_count", links)
add_number("backlink_count", backlinks)
