"""Notes, and what happened to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Left
from django.urls import reverse

from accounts.models import User
from collectives.models import Collective
from harmonic.kernel.database.functions import Bytes
from harmonic.kernel.database.short_ids import ShortIdModel
from harmonic.kernel.database.tenancy import TenantManager, TenantModel
from harmonic.kernel.rendering.text import first_line


class NoteQuerySet(models.QuerySet["Note"]):
    def alive(self) -> NoteQuerySet:
        return self.filter(deleted_at=None)

    def in_place(self, collective_id: UUID) -> NoteQuerySet:
        return self.filter(collective_id=collective_id)

    def for_reader(self, user_id: UUID) -> NoteQuerySet:
        """With `last_read_at`: when this user last confirmed reading each."""
        latest = (
            NoteHistoryEvent.unscoped.filter(
                note=models.OuterRef("pk"),
                event_type=NoteHistoryEvent.Type.READ_CONFIRMATION,
                user=user_id,
            )
            .order_by("-happened_at")
            .values("happened_at")[:1]
        )
        return _with(self, last_read_at=models.Subquery(latest))

    def counted(self) -> NoteQuerySet:
        """With `confirmed_reads`: how many users confirmed having read each."""
        confirmations = (
            NoteHistoryEvent.unscoped.filter(
                note=models.OuterRef("pk"), event_type=NoteHistoryEvent.Type.READ_CONFIRMATION
            )
            .order_by()
            .values("note")
            .annotate(readers=models.Count("user", distinct=True))
            .values("readers")
        )
        return _with(self, confirmed_reads=Coalesce(models.Subquery(confirmations), 0))

    def opened(self, length: int) -> NoteQuerySet:
        """With `cut_text`: the first `length` characters of each text."""
        return _with(self, cut_text=Left("text", length))


def _with(notes: NoteQuerySet, **annotations: Any) -> NoteQuerySet:
    """Annotate what `Note` declares; the checker would take it for declared twice."""
    return notes.annotate(**annotations)


@cache
def _page_prefix() -> str:
    return reverse("notes.show", args=["_"]).removesuffix("_")


NoteManager = TenantManager.from_queryset(NoteQuerySet)


class Note(ShortIdModel):
    """A text in a collective, or a comment on one."""

    TITLE_LENGTH = 1000
    TEXT_LENGTH = 1_000_000
    ITEM_TYPE = "Note"
    KEPT_AFTER_DELETION = timedelta(days=30)

    class Subtype(models.TextChoices):
        TEXT = "text"
        COMMENT = "comment"

    class EditAccess(models.TextChoices):
        OWNER = "owner"
        MEMBERS = "members"

    collective = models.ForeignKey(Collective, on_delete=models.CASCADE, related_name="notes")
    subtype = models.CharField(max_length=12, choices=Subtype, default=Subtype.TEXT)
    edit_access = models.CharField(max_length=8, choices=EditAccess, default=EditAccess.OWNER)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True, default="")
    text = models.TextField()
    deadline = models.DateTimeField()
    # A comment's parent, and the item at the root of its thread.
    commentable_type = models.CharField(max_length=24, blank=True, default="")
    commentable_id = models.UUIDField(null=True, blank=True)
    thread_type = models.CharField(max_length=24, blank=True, default="")
    thread_id = models.UUIDField(null=True, blank=True)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    hard_delete_after = models.DateTimeField(null=True, blank=True)
    # In bytes; lists ask it before they read the text.
    size = models.GeneratedField(
        expression=Bytes("title") + Bytes("text"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    cut_text: str  # annotated by `opened`, for rows whose text is not read
    confirmed_reads: int  # annotated by `counted`
    last_read_at: datetime | None  # annotated by `for_reader`

    objects: ClassVar = NoteManager()

    class Meta(ShortIdModel.Meta):
        constraints = (
            models.UniqueConstraint(fields=["tenant", "truncated_id"], name="note_short_id"),
            models.CheckConstraint(
                name="note_comment_has_parent",
                condition=Q(subtype="comment", commentable_id__isnull=False)
                | (~Q(subtype="comment") & Q(commentable_id__isnull=True)),
            ),
        )
        # What lists and threads ask before they read a text is in the index: a row with a long
        # text takes many pages, which SQLite follows to each column behind the text.
        indexes = (
            *(
                models.Index(
                    fields=[
                        "tenant",
                        "collective",
                        f"-{moment}",
                        "-id",
                        "subtype",
                        "deleted_at",
                        "size",
                    ],
                    name=f"note_by_{moment}",
                )
                for moment in ("created_at", "updated_at", "deadline")
            ),
            models.Index(
                fields=[
                    *("tenant", "thread_type", "thread_id", "created_at", "id"),
                    *("commentable_id", "created_by", "deleted_at"),
                ],
                condition=Q(thread_id__isnull=False),
                name="note_thread_in_order",
            ),
            models.Index(
                fields=[
                    *("tenant", "commentable_type", "commentable_id", "created_at", "id"),
                    *("created_by", "deleted_at"),
                ],
                condition=Q(commentable_id__isnull=False),
                name="note_comments_in_order",
            ),
        )

    def __str__(self) -> str:
        return self.shown_title

    @property
    def shown_title(self) -> str:
        """The title, or else the first line of the text."""
        return self.title or first_line(self.opening)

    @property
    def opening(self) -> str:
        """The text, or as much of it as was read."""
        return self.cut_text if "text" in self.get_deferred_fields() else self.text

    def path_in(self, place_path: str) -> str:
        """Return the note's path, given the prefix of its collective."""
        return f"{place_path}{_page_prefix()}{self.truncated_id}"

    @property
    def is_confirmed(self) -> bool:
        """Whether the reader of `for_reader` confirmed the note as it is now."""
        return self.last_read_at is not None and self.last_read_at >= self.updated_at

    @property
    def is_comment(self) -> bool:
        return self.subtype == self.Subtype.COMMENT

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None


class NoteHistoryEvent(TenantModel):
    """Something that happened to a note, and by whom."""

    class Type(models.TextChoices):
        CREATE = "create", "created this note"
        UPDATE = "update", "updated this note"
        READ_CONFIRMATION = "read_confirmation", "confirmed reading this note"

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="history")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    event_type = models.CharField(max_length=24, choices=Type)
    happened_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes = (
            models.Index(fields=["tenant", "note", "event_type", "user"], name="note_history"),
        )
        verbose_name_plural = "note history events"

    def __str__(self) -> str:
        return self.get_event_type_display()
