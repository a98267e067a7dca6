"""Appending to the audit chain of a decision."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from collectives.decisions import queries
from collectives.decisions.audit import chain
from collectives.decisions.audit.chain import EntryAction, compact, nfc
from collectives.decisions.models import AuditEntry, Decision
from harmonic.kernel.access import Access
from harmonic.kernel.database.prepared import PreparedInsert

_INSERT = PreparedInsert(AuditEntry)
# With at least this many entries, a single statement inserts all of them.
BULK = 4


class ChainWriter:
    """Appends the entries of one write by one actor, in a transaction that locks the decision."""

    def __init__(
        self, decision: Decision, now: datetime, user_id: UUID | None = None, handle: str = ""
    ) -> None:
        self.decision = decision
        self.now = now.replace(microsecond=0)
        self.user_id = user_id
        self.handle = handle
        self.entries: list[AuditEntry] = []

    def add(
        self,
        action: EntryAction,
        *,
        option_title: str = "",
        accepted: int | None = None,
        preferred: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """Add an entry, which `write` stores."""
        entry = AuditEntry(
            tenant_id=self.decision.tenant_id,
            decision_id=self.decision.id,
            action=action,
            option_title=nfc(option_title),
            accepted=accepted,
            preferred=preferred,
            metadata=compact(metadata),
            created_at=self.now,
        )
        self.entries.append(entry)
        return entry

    def write(self) -> None:
        """Number, sign and link the entries, and store them."""
        if not self.entries:
            return
        last = queries.last_entry(self.decision.id)
        number, previous = (last.sequence_number, last.entry_hash) if last else (0, "")
        signature = self._signature(is_first=last is None)
        for entry in self.entries:
            number += 1
            entry.sequence_number, entry.previous_hash = number, previous
            for name, value in signature.items():
                setattr(entry, name, value)
            entry.entry_hash = previous = chain.entry_hash(entry.as_entry())
        if len(self.entries) < BULK:
            for entry in self.entries:
                _INSERT.run(entry)
        else:
            AuditEntry.objects.bulk_create(self.entries)

    def _signature(self, *, is_first: bool) -> dict[str, Any]:
        """Return the columns of the actor, with the salt and handle of their first entry."""
        if self.user_id is None:
            return {}
        earlier = None if is_first else queries.first_entry_by(self.decision.id, self.user_id)
        handle = earlier.actor_handle if earlier else self.handle
        salt = earlier.actor_token_salt if earlier else secrets.token_hex(32)
        ids = str(self.decision.id), str(self.user_id)
        return {
            "actor_id": self.user_id,
            "actor_handle": handle,
            "actor_token_salt": salt,
            "actor_token": chain.actor_token(*ids, handle, salt),
        }


def writer(access: Access, decision: Decision) -> ChainWriter:
    """Return a writer for the caller's entries in a decision's audit chain."""
    return ChainWriter(decision, access.now, access.user.user_id, access.user.handle)
