"""Models of items and pins.

An item is a piece of content in a collective, such as a note. Its row holds the columns that all
kinds share. The row of its kind is in another table with the same primary key (delegated type), so
comments, pins and events can refer to items of any kind with a foreign key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar, cast
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from accounts.models import TenantUser, User
from collectives.events.models import CONFIRMED, READINGS, REMINDED, Event
from collectives.items import kinds
from collectives.models import Collective
from harmonic.kernel.access import Access
from harmonic.kernel.database.functions import Bytes
from harmonic.kernel.database.short_ids import ShortIdModel
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.rendering.text import FIRST_LINE_SOURCE, first_line

M = TypeVar("M", bound="Item")
COMMENT = "comment"
# The final statement of another item, whose page shows it.
STATEMENT = "statement"


class ItemQuerySet(models.QuerySet[M]):
    """Queries of items of every kind."""

    def alive(self) -> Self:
        return self.filter(deleted_at=None)

    def standalone(self) -> Self:
        """Return the items that lists show: no comments and no statements of other items."""
        return self.filter(parent=None).exclude(subtype=STATEMENT)

    def visible_to(self, access: Access) -> Self:
        """Return the items that the caller may read, in all collectives.

        Read items of several collectives only through this. It agrees with `access.within`.
        """
        return self.visible(
            access.user.person_id, is_subject_to_api_switches=access.is_subject_to_api_switches
        )

    def visible(self, person_id: Any, *, is_subject_to_api_switches: bool) -> Self:
        """Return the items that a tenant user may read, for prepared queries."""
        readable = Collective.objects.readable(
            person_id, is_subject_to_api_switches=is_subject_to_api_switches
        )
        return self.alive().filter(collective__in=readable)

    def for_reader(self, user_id: UUID) -> Self:
        """Annotate `last_read_at`, when the user last confirmed, `is_pinned`, `thread_activity_at`.

        Pins in the main collective are personal. In other collectives they apply to all members.
        """
        latest = _readings(*READINGS).filter(actor=user_id).order_by("-happened_at")
        pins = Pin.unscoped.filter(Q(person=None) | Q(person__user=user_id))
        return self.annotate(
            last_read_at=models.Subquery(latest.values("happened_at")[:1]),
            is_pinned=models.Exists(pins.filter(item=models.OuterRef("pk"))),
            thread_activity_at=Coalesce("root__last_activity_at", "last_activity_at"),
        )

    def unread_by(self, user_id: UUID) -> Self:
        """Return the items of others whose current version this user has to confirm."""
        confirmed = _readings(*READINGS).filter(
            actor=user_id, happened_at__gte=models.OuterRef("updated_at")
        )
        to_confirm = self.filter(kind__in=kinds.confirmed()).exclude(created_by=user_id)
        return to_confirm.filter(~models.Exists(confirmed))

    def with_confirmed_reads(self) -> Self:
        """Annotate `confirmed_reads`: the number of users who confirmed that they read an item."""
        return self.annotate(confirmed_reads=readers())

    def with_parent_kind(self) -> Self:
        """Annotate `parent_kind`: the kind of each comment's parent."""
        return self.annotate(parent_kind=models.F("parent__kind"))

    def with_answered(self) -> Self:
        """Annotate the author and the time of deletion of each comment's parent."""
        return self.annotate(
            parent_author_id=models.F("parent__created_by"),
            parent_deleted_at=models.F("parent__deleted_at"),
        )

    def in_thread(self) -> Self:
        """Return the comments that threads show: deleted ones only if they have replies."""
        replies = Item.objects.filter(parent=models.OuterRef("pk"))
        return self.filter(Q(deleted_at=None) | models.Exists(replies))

    def with_opening(self, length: int = FIRST_LINE_SOURCE) -> Self:
        """Annotate `cut_text`: the first `length` characters of each text."""
        return self.annotate(cut_text=kinds.opening(length))

    def with_feed_number(self) -> Self:
        """Annotate `number`, which the feed shows next to each item, and what it is `out_of`."""
        return self.annotate(number=kinds.count(readers), out_of=kinds.out_of())

    def with_newest_activity(self, collective_id: UUID) -> Self:
        """Annotate `newest_activity_at`: the time of the last activity in a collective's feed."""
        there = Item.objects.filter(collective=collective_id).alive().standalone()
        latest = there.order_by("-last_activity_at").values("last_activity_at")
        return self.annotate(newest_activity_at=models.Subquery(latest[:1]))

    def with_last_reminder(self, collective_id: UUID) -> Self:
        """Annotate `reminded_at`: when the last reminder of a collective was delivered."""
        fired = Event.objects.filter(collective=collective_id, verb=REMINDED)
        latest = fired.order_by("-happened_at").values("happened_at")
        return self.annotate(reminded_at=models.Subquery(latest[:1]))

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[M]:
        """Insert many rows of one kind: the items in one statement, then the rows of the kind."""
        rows: Sequence[M] = list(objs)
        if self.model is Item:
            return super().bulk_create(rows, *args, **kwargs)
        with transaction.atomic():
            Item.unscoped.bulk_create([row.base_row() for row in rows])
            for row in rows:
                row.pk = row.id
                row.save_base(raw=True, force_insert=True)
            kinds.index(rows)
        return list(rows)


def _readings(*verbs: str) -> models.QuerySet[Event]:
    return Event.unscoped.filter(item=models.OuterRef("pk"), verb__in=verbs)


def readers() -> Coalesce:
    """Return the expression for the number of users who confirmed that they read an item."""
    counts = _readings(CONFIRMED).order_by().values("item")
    readers = counts.annotate(readers=models.Count("actor", distinct=True)).values("readers")
    return Coalesce(models.Subquery(readers), 0)


ItemManager = TenantManager.from_queryset(ItemQuerySet)


class Item(ShortIdModel):
    """Content in a collective; the base row of every kind.

    `parent` is the item that a comment replies to, and `root` is the first item of its thread.
    """

    TITLE_LENGTH = 1000
    KEPT_AFTER_DELETION = timedelta(days=30)
    # The name of the kind in the API and on pages. Each kind's model sets it.
    KIND: ClassVar[str] = ""
    DEFAULT_SUBTYPE: ClassVar[str] = ""

    kind = models.CharField(max_length=24, editable=False)
    subtype = models.CharField(max_length=24)
    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="items")
    title = models.CharField(max_length=TITLE_LENGTH, blank=True, default="")
    deadline = models.DateTimeField()
    # No index of their own: the indexes below cover both.
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
    # When the item was changed last, or a comment below it was added or changed.
    last_activity_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The end of the time in which a deleted item can be restored. Afterwards notes are erased.
    hard_delete_after = models.DateTimeField(null=True, blank=True)
    tombstoned_at = models.DateTimeField(null=True, blank=True)

    cut_text: str  # annotated by `with_opening`, for rows whose text is not read
    confirmed_reads: int  # annotated by `with_confirmed_reads`
    last_read_at: datetime | None  # annotated by `for_reader`
    is_pinned: bool  # annotated by `for_reader`
    # The last activity in the whole thread, annotated by `for_reader`.
    thread_activity_at: datetime
    # Flags that `kinds.add_flag` adds to items that are read for a reader.
    has_backlinks: bool
    is_reported: bool
    parent_kind: str | None  # annotated by `with_parent_kind`
    parent_author_id: UUID  # annotated by `with_answered`
    parent_deleted_at: datetime | None  # annotated by `with_answered`
    number: int  # annotated by `with_feed_number`
    out_of: int | None  # annotated by `with_feed_number`
    newest_activity_at: datetime  # annotated by `with_newest_activity`
    reminded_at: datetime | None  # annotated by `with_last_reminder`

    objects: ClassVar[Any] = ItemManager()
    unscoped: ClassVar[Any] = models.Manager.from_queryset(ItemQuerySet)()

    class Meta(ShortIdModel.Meta):
        constraints = (
            # In this order, because short ids are also looked up without a kind.
            models.UniqueConstraint(
                fields=["tenant", "truncated_id", "kind"], name="item_short_id"
            ),
            models.CheckConstraint(
                name="item_comment_has_parent",
                condition=Q(subtype=COMMENT, parent__isnull=False, root__isnull=False)
                | (~Q(subtype=COMMENT) & Q(parent__isnull=True, root__isnull=True)),
            ),
        )
        # The indexes hold all columns that lists and threads compare, so that no rows are read.
        indexes = (
            *(
                models.Index(
                    fields=[
                        *("tenant", "collective", f"-{moment}", "-id"),
                        *("kind", "subtype", "deleted_at"),
                    ],
                    name=f"item_by_{moment}",
                )
                for moment in ("created_at", "updated_at", "last_activity_at", "deadline")
            ),
            models.Index(
                fields=["tenant", "collective", "-created_at", "-id"],
                condition=Q(parent__isnull=True, deleted_at__isnull=True),
                name="item_feed",
            ),
            models.Index(
                fields=["tenant", "hard_delete_after"],
                condition=Q(hard_delete_after__isnull=False, tombstoned_at__isnull=True),
                name="item_to_erase",
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
            self._set_defaults()
        super().save(*args, **kwargs)

    def _set_defaults(self) -> None:
        self.kind = self.KIND
        self.subtype = self.subtype or self.DEFAULT_SUBTYPE
        given = cast(datetime | None, self.last_activity_at)
        self.last_activity_at = given or self.updated_at

    def base_row(self) -> Item:
        """Return the unsaved row of this item in the table of items."""
        self._set_defaults()
        columns = (field.attname for field in Item._meta.concrete_fields)
        return Item(**{name: getattr(self, name) for name in columns})

    @property
    def opening(self) -> str:
        """The text, or the part of it that was read."""
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
        """Return whether the user of `for_reader` confirmed the current version."""
        return self.last_read_at is not None and self.last_read_at >= self.updated_at

    @property
    def asks_for_confirmation(self) -> bool:
        """Return whether readers are asked to confirm that they read it."""
        return True

    @property
    def is_comment(self) -> bool:
        return self.subtype == COMMENT

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None


# Reacts to a text that was saved, in the transaction of the write. `is_new` is whether the item is.
TextReader = Callable[["KindModel", bool], None]
_text_readers: list[TextReader] = []


def add_text_reader(reader: TextReader) -> None:
    """Register a reader of the texts of all items, which every save of a text runs."""
    if reader not in _text_readers:
        _text_readers.append(reader)


class KindModel(Item):
    """Base of the models of kinds. Its rows share the primary key of their items.

    A kind has a column `size`, the bytes of its texts, which lists read before the texts.
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
        # Django deletes and reloads rows with it, so it must not require a bound tenant.
        base_manager_name = "unscoped"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Store the row, and its texts for searches and for those that read texts, if changed."""
        is_new, kind = self._state.adding, kinds.kind_named(self.KIND)
        changed = None if update_fields is None else frozenset(update_fields)
        with transaction.atomic(savepoint=False):
            super().save(*args, update_fields=changed, **kwargs)
            if changed is None or changed & kind.searched:
                kinds.index([self])
            if changed is None or kind.text in changed:
                for reader in _text_readers:
                    reader(self, is_new)

    @property
    def opening(self) -> str:
        """The full text."""
        text: str = getattr(self, kinds.kind_named(self.KIND).text)
        return text


def size_of(text: str) -> models.GeneratedField:
    """Return the column `size` of a kind, computed from the column of its text."""
    return models.GeneratedField(
        expression=Bytes(text), output_field=models.BigIntegerField(), db_persist=True
    )


class Pin(TenantModel):
    """Pin of an item: for all members of a collective, or for one person in the main one."""

    MAX_PER_PLACE = 50

    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="pins")
    # The owner of a pin in the main collective. Null in other collectives.
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
