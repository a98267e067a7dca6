"""The stored columns and rows of table notes."""

from __future__ import annotations

from uuid import UUID

from django.db import models

from collectives.notes.models import Note
from collectives.tables.table import Column, Table
from harmonic.kernel.database.tenancy import TenantModel


class TableData(TenantModel):
    """The table of a note, from which the text of the note is generated."""

    note = models.OneToOneField(Note, on_delete=models.CASCADE, related_name="table")
    description = models.TextField(blank=True, default="")
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    # The IDs of the agents who edited the table. Other agents do not read their links.
    agents = models.JSONField(default=list)

    def __str__(self) -> str:
        return str(self.note_id)

    @property
    def table(self) -> Table:
        columns = tuple(Column(each["name"], each["type"]) for each in self.columns)
        return Table(self.description, columns, tuple(self.rows))

    @table.setter
    def table(self, table: Table) -> None:
        stored = table.as_json()
        self.description = table.description
        self.columns, self.rows = stored["columns"], stored["rows"]

    def add_writer(self, user_id: UUID) -> None:
        """Record that an agent edited the table."""
        if str(user_id) not in self.agents:
            self.agents = [*self.agents, str(user_id)]

    @property
    def writers(self) -> tuple[UUID, ...]:
        """The IDs of the agents who edited the table."""
        return tuple(UUID(user_id) for user_id in self.agents)
