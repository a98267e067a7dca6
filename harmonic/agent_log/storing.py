"""Storage of the log's entries: writes at once, reads in batches.

Reads wait in the process, so that no page costs a write to the database.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from itertools import groupby
from operator import attrgetter

from django.db import Error, IntegrityError, connection, transaction

from harmonic.agent_log.models import Entry
from harmonic.kernel.database.prepared import PreparedInsert
from harmonic.kernel.database.tenancy import tenant_bound

# Entries that wait at most; the oldest are lost while the database is unavailable.
WAITING_AT_MOST = 10_000
_log = logging.getLogger(__name__)
_waiting: deque[Entry] = deque(maxlen=WAITING_AT_MOST)
_lock = threading.Lock()
_INSERT = PreparedInsert(Entry)


def insert(entry: Entry) -> None:
    """Insert an entry, in the transaction of the caller if there is one."""
    with tenant_bound(entry.tenant_id):
        _INSERT.run(entry)


def insert_or_replace(entry: Entry) -> None:
    """Store an entry that may have been inserted in a transaction which was rolled back."""
    columns = [field.name for field in Entry._meta.local_concrete_fields if field.name != "id"]
    with tenant_bound(entry.tenant_id):
        Entry.objects.bulk_create(
            [entry], update_conflicts=True, update_fields=columns, unique_fields=["id"]
        )


def update(entry: Entry) -> None:
    """Store how the request of an inserted entry ended; nothing if the agent was deleted."""
    ended = ("status", "duration_ms", "http_status", "code", "error", "touched")
    with tenant_bound(entry.tenant_id):
        Entry.objects.filter(id=entry.id).update(**{name: getattr(entry, name) for name in ended})


def wait(entry: Entry) -> None:
    """Store an entry with the next batch."""
    if not _waiting:
        # Registered when something waits: after a fork, for the process that has it.
        atexit.register(_flush_into, str(connection.settings_dict["NAME"]))
    _waiting.append(entry)


# --- Batches --------------------------------------------------------------------------------


def _flush_into(database: str) -> None:
    """Flush at a clean shutdown, unless the rows belong to the database of an ended test."""
    if database == str(connection.settings_dict["NAME"]):
        flush()


def flush() -> None:
    """Write the entries that wait."""
    with _lock:
        entries = [_waiting.popleft() for _ in range(len(_waiting))]
        if not entries:
            return
        try:
            _insert_all(entries)
        except IntegrityError:
            _insert_one_by_one(entries)
        except Error:
            _waiting.extendleft(reversed(entries))
            _log.warning("The log of agents waits, because the database is unavailable.")


def _insert_all(entries: list[Entry]) -> None:
    by_tenant = attrgetter("tenant_id")
    with transaction.atomic():
        for tenant_id, of_tenant in groupby(sorted(entries, key=by_tenant), key=by_tenant):
            with tenant_bound(tenant_id):
                Entry.objects.bulk_create(of_tenant)


def _insert_one_by_one(entries: list[Entry]) -> None:
    """Insert the entries of a batch that was refused, except those whose agent was deleted."""
    for entry in entries:
        try:
            _insert_all([entry])
        except IntegrityError:
            _log.info("A request is not logged, because its agent was deleted.")


def flush_regularly() -> None:
    """Flush from a thread of its own, for as long as the process lives."""

    def work() -> None:
        while True:
            time.sleep(Entry.READS_WRITTEN_EVERY.total_seconds())
            try:
                flush()
            except Exception:  # the thread lives as long as the process
                _log.exception("The log of agents was not written.")
            finally:
                connection.close()

    threading.Thread(target=work, name="agent-log", daemon=True).start()
