"""Items, and which of them are pinned.

An item is whatever stands in a collective: a note today. Its row holds what all kinds have in
common. The row of its kind stands in the kind's own table and shares the primary key
(delegated type), so comments, pins and events refer to items of any kind by a foreign key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from accounts.models import TenantUser, User
from collectives.events.models import CONFIRMED, Event
from collectives.items import kinds
from collectives.models import Collective
from harmonic.kernel.access import Access
from harmonic.kernel.database.functions import Bytes
from harmonic.kernel.database.short_ids import ShortIdModel
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.rendering.text import FIRST_LINE_SOURCE, first_line

M = TypeVar("M", bound="Item")
COMMENT = "comment"


class ItemQuerySet(models.QuerySet[M]):
    """Queries that every kind has."""

    def alive(self) -> Self:
        return self.filter(deleted_at=None)

    def standalone(self) -> Self:
        """Return the items that are attached to no other: everything but comments."""
        return self.filter(parent=None)

    def visible_to(self, access: Access) -> Self:
        """Return the living items in all collectives whose content the caller may read.

        The one way to read items across collectives. It agrees with `access.within`.
        """
        return self.alive().filter(collective__in=Collective.objects.readable_by(access))

    def for_reader(self, user_id: UUID) -> Self:
        """Annotate what an item is to one user: `last_read_at` and `is_pinned`.

        `last_read_at` is when the user last confirmed reading the item. Pins of the collective
        count for everybody, those of the main one for the person who made them.
        """
        latest = _confirmations().filter(actor=user_id).order_by("-happened_at")
        pins = Pin.unscoped.filter(Q(person=None) | Q(person__user=user_id))
        return self.annotate(
            last_read_at=models.Subquery(latest.values("happened_at")[:1]),
            is_pinned=models.Exists(pins.filter(item=models.OuterRef("pk"))),
        )

    def counted(self) -> Self:
        """Annotate `confirmed_reads`: how many users confirmed reading each item."""
        return self.annotate(confirmed_reads=readers())

    def with_parent_kind(self) -> Self:
        """Annotate `parent_kind`: the kind of what each comment answers."""
        return self.annotate(parent_kind=models.F("parent__kind"))

    def with_answered(self) -> Self:
        """Annotate who wrote what each comment answers, and when that was deleted."""
        return self.annotate(
            parent_author_id=models.F("parent__created_by"),
            parent_deleted_at=models.F("parent__deleted_at"),
        )

    def in_thread(self) -> Self:
        """Return the comments that threads show: the living, and deleted ones with replies."""
        replies = Item.objects.filter(parent=models.OuterRef("pk"))
        return self.filter(Q(deleted_at=None) | models.Exists(replies))

    def opened(self, length: int = FIRST_LINE_SOURCE) -> Self:
        """Annotate `cut_text`: the first `length` characters of each text."""
        return self.annotate(cut_text=kinds.opening(length))

    def numbered(self) -> Self:
        """Annotate `number`: what the feed counts of each item."""
        return self.annotate(number=kinds.count(readers))

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        """Insert many rows of one kind: the rows of the items at once, then those of the kind."""
        rows: Sequence[M] = list(objs)
        if self.model is Item:
            return super().bulk_create(rows, *args, **kwargs)
        with transaction.atomic():
            Item.unscoped.bulk_create([row.base_row() for row in rows])
            for row in rows:
                row.pk = row.id
                row.save_base(raw=True, force_insert=True)
        return list(rows)


def _confirmations() -> models.QuerySet[Event]:
    return Event.unscoped.filter(item=models.OuterRef("pk"), verb=CONFIRMED)


def readers() -> Coalesce:
    """Return the expression for the number of users who confirmed reading an item."""
    counts = _confirmations().order_by().values("item")
    readers = counts.annotate(readers=models.Count("actor", distinct=True)).values("readers")
    return Coalesce(models.Subquery(readers), 0)


ItemManager = TenantManager.from_queryset(ItemQuerySet)


class Item(ShortIdModel):
    """What stands in a collective; the base row of every kind.

    `parent` is what a comment answers, and `root` the item at the top of its thread.
    """

    TITLE_LENGTH = 1000
    KEPT_AFTER_DELETION = timedelta(days=30)
    # The name of a kind, as the API and pages show it. Each kind's model sets its own.
    KIND: ClassVar[str] = ""
    DEFAULT_SUBTYPE: ClassVar[str] = ""

    kind = models.CharField(max_length=24, editable=False)
    subtype = models.CharField(max_length=24)
    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="items")
    title = models.CharField(max_length=TITLE_LENGTH, blank=True, default="")
    deadline = models.DateTimeField()
    # The indexes below serve both.
    parent = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="comments",
    )
    root = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="+"
    )
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    hard_delete_after = models.DateTimeField(null=True, blank=True)

    cut_text: str  # annotated by `opened`, for rows whose text is not read
    confirmed_reads: int  # annotated by `counted`
    last_read_at: datetime | None  # annotated by `for_reader`
    is_pinned: bool  # annotated by `for_reader`
    parent_kind: str | None  # annotated by `with_parent_kind`
    parent_author_id: UUID  # annotated by `with_answered`
    parent_deleted_at: datetime | None  # annotated by `with_answered`
    number: int  # annotated by `numbered`

    objects: ClassVar[Any] = ItemManager()
    unscoped: ClassVar[Any] = models.Manager.from_queryset(ItemQuerySet)()

    class Meta(ShortIdModel.Meta):
        constraints = (
            # In this order, since a short id is looked up without its kind too.
            models.UniqueConstraint(
                fields=["tenant", "truncated_id", "kind"], name="item_short_id"
            ),
            models.CheckConstraint(
                name="item_comment_has_parent",
                condition=Q(subtype=COMMENT, parent__isnull=False, root__isnull=False)
                | (~Q(subtype=COMMENT) & Q(parent__isnull=True, root__isnull=True)),
            ),
        )
        # All that lists and threads compare is in the index, so that they read no rows.
        indexes = (
            *(
                models.Index(
                    fields=[
                        *("tenant", "collective", f"-{moment}", "-id"),
                        *("kind", "subtype", "deleted_at"),
                    ],
                    name=f"item_by_{moment}",
                )
                for moment in ("created_at", "updated_at", "deadline")
            ),
            models.Index(
                fields=["tenant", "collective", "-created_at", "-id"],
                condition=Q(parent__isnull=True, deleted_at__isnull=True),
                name="item_feed",
            ),
            models.Index(
                fields=[
                    *("tenant", "root", "created_at", "id"),
                    *("parent", "created_by", "deleted_at"),
                ],
                condition=Q(root__isnull=False),
                name="item_thread_in_order",
            ),
            models.Index(
                fields=[
                    *("tenant", "parent", "created_at", "id"),
                    *("kind", "subtype", "created_by", "deleted_at"),
                ],
                condition=Q(parent__isnull=False),
                name="item_comments_in_order",
            ),
        )

    def __str__(self) -> str:
        return self.shown_title

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self._set_kind()
        super().save(*args, **kwargs)

    def _set_kind(self) -> None:
        self.kind = self.KIND
        self.subtype = self.subtype or self.DEFAULT_SUBTYPE

    def base_row(self) -> Item:
        """Return the row that an item has in the table of items, not saved."""
        self._set_kind()
        columns = (field.attname for field in Item._meta.concrete_fields)
        return Item(**{name: getattr(self, name) for name in columns})

    @property
    def opening(self) -> str:
        """The text, or as much of it as was read."""
        return self.cut_text

    @property
    def shown_title(self) -> str:
        """The title, or else the first line of the text."""
        return self.title or first_line(self.opening)

    def path_in(self, place_path: str) -> str:
        """Return the path of the item's page, given the prefix of its collective."""
        return f"{place_path}{kinds.kind_named(self.kind).path(self.truncated_id)}"

    @property
    def is_confirmed(self) -> bool:
        """Whether the reader of `for_reader` confirmed the item as it is now."""
        return self.last_read_at is not None and self.last_read_at >= self.updated_at

    @property
    def is_comment(self) -> bool:
        return self.subtype == COMMENT

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None


class KindModel(Item):
    """Base of the models of kinds: a row beside the item's, under the same key.

    A kind has a column `size`, the bytes of its texts, before these: lists read it first.
    """

    item = models.OneToOneField(
        Item,
        on_delete=models.CASCADE,
        parent_link=True,
        primary_key=True,
        related_name="%(class)s",
    )

    class Meta:
        abstract = True
        # Not the bound one: Django deletes and reloads rows through it.
        base_manager_name = "unscoped"

    @property
    def opening(self) -> str:
        """The whole text."""
        text: str = getattr(self, kinds.kind_named(self.KIND).text)
        return text


def size_of(text: str) -> models.GeneratedField:
    """Return the column `size` of a kind whose text is in another column."""
    return models.GeneratedField(
        expression=Bytes(text), output_field=models.BigIntegerField(), db_persist=True
    )


class Pin(TenantModel):
    """An item kept in sight: by a collective for all, in the main one by each for oneself."""

    MAX_PER_PLACE = 50

    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="pins")
    # Whose pin it is in the main collective; null elsewhere.
    person = models.ForeignKey(TenantUser, on_delete=models.CASCADE, null=True, blank=True)
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="pins")
    pinned_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints = (
            models.UniqueConstraint(
                fields=["tenant", "collective", "item"],
                condition=Q(person__isnull=True),
                name="item_pin_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "collective", "person", "item"],
                condition=Q(person__isnull=False),
                name="item_pin_once_each",
            ),
        )

    def __str__(self) -> str:
        return str(self.item_id)
