"""The author of the text that a table is shown as."""

from __future__ import annotations

from accounts.queries import Person, people
from collectives.notes.models import Note
from collectives.tables.models import TableData
from harmonic.kernel.access import Access


def author_for(access: Access, note: Note, data: TableData) -> Person:
    """Return another agent who edited a table, or else its author.

    Agents do not read links of other agents.
    """
    known = people({note.created_by_id, *data.writers})
    others = (user_id for user_id in data.writers if user_id != access.user.user_id)
    return known[next(others, note.created_by_id)]
