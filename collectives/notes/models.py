"""Model of notes and comments."""

from __future__ import annotations

from django.db import models

from collectives.items.kinds import Kind, register
from collectives.items.models import COMMENT, STATEMENT, KindModel, size_of


class Note(KindModel):
    """A text in a collective, or a comment on one of its items."""

    KIND = "Note"
    TEXT_LENGTH = 1_000_000

    class Subtype(models.TextChoices):
        TEXT = "text"
        REMINDER = "reminder"
        TABLE = "table"
        COMMENT = COMMENT
        STATEMENT = STATEMENT

    class EditAccess(models.TextChoices):
        OWNER = "owner"
        MEMBERS = "members"

    DEFAULT_SUBTYPE = Subtype.TEXT

    edit_access = models.CharField(max_length=8, choices=EditAccess, default=EditAccess.OWNER)
    # In bytes. Lists read it before the text. It comes before the text because SQLite reads all
    # pages of a long text to reach a column after it.
    size = size_of("text")
    text = models.TextField()

    @property
    def asks_for_confirmation(self) -> bool:
        """Return whether to confirm it; a reminder that was delivered is acknowledged instead."""
        is_reminder = self.subtype == self.Subtype.REMINDER
        return not (is_reminder and self.reminder.delivered_at is not None)

    @property
    def has_deadline(self) -> bool:
        """Return whether a deadline was set; until then it is the time of creation."""
        return bool(self.deadline != self.created_at)


register(Kind(Note, page="notes.show", text="text"))
