"""The log of the tool calls of agents: writes at once, reads in batches.

A write has its row before it is executed, so that one that never ends is seen. Reads wait in
the process for at most `FLUSHED_EVERY` seconds: no page costs a write to the database.
"""

from __future__ import annotations

import atexit
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db import Error, IntegrityError, connection, transaction
from django.utils import timezone

from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.redaction import without_tokens
from harmonic.mcp.models import ToolCall
from harmonic.mcp.tools import TOOLS, Result

FLUSHED_EVERY = 10.0
# Rows that wait at most; the oldest are lost while the database is unavailable.
WAITING_AT_MOST = 10_000
_log = logging.getLogger(__name__)
_waiting: deque[ToolCall] = deque(maxlen=WAITING_AT_MOST)
_lock = threading.Lock()


@dataclass(slots=True)
class Recording:
    """A call that is under way."""

    row: ToolCall
    is_write: bool
    began: float

    def end(self, result: Result) -> None:
        """Record how the call ended."""
        row, facts = self.row, result.facts
        row.duration_ms = round((time.perf_counter() - self.began) * 1000)
        if row.status == ToolCall.Status.PENDING:
            failed, done = ToolCall.Status.TOOL_ERROR, ToolCall.Status.OK
            row.status = failed if result.is_error else done
        row.http_status = facts.get("status")
        row.code = str(facts.get("code", ""))[:64]
        row.error = without_tokens(str(facts.get("error", "")))[: ToolCall.ERROR_LENGTH]
        row.touched = facts.get("resource")
        if not self.is_write:
            _wait(row)
            return
        with tenant_bound(row.tenant_id):
            row.save()


def begin(access: Access, name: str, sent: Any, request_id: str) -> Recording | None:
    """Begin to record a call; None for calls of people, which are not logged."""
    if not access.user.is_agent:
        return None
    arguments = sent if isinstance(sent, dict) else {}
    row = ToolCall(
        tenant_id=access.tenant.id,
        user_id=access.user.user_id,
        token_id=access.token.id if access.token else None,
        tool_name=without_tokens(name)[: ToolCall.NAME_LENGTH],
        arguments=_declared(name, arguments),
        context=_bounded(arguments.get("context")) if name in TOOLS else None,
        called_at=access.now,
        request_id=request_id,
    )
    if name not in TOOLS:
        row.status = ToolCall.Status.UNKNOWN_TOOL
    is_write = name == "execute_action"
    if is_write:
        with tenant_bound(row.tenant_id):
            row.save(force_insert=True)
    return Recording(row, is_write, time.perf_counter())


def _declared(name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a tool's schema declares, the context apart."""
    tool = TOOLS.get(name)
    if tool is None:
        return {}
    declared = [key for key in tool.input_schema["properties"] if key in sent and key != "context"]
    return {key: _kept(key, sent[key]) for key in declared}


def _kept(key: str, value: Any) -> Any:
    """Return an argument as it is kept: of parameters their names only."""
    if key != "params":
        return _bounded(value)
    if isinstance(value, dict):
        return {"keys": [without_tokens(str(name))[:80] for name in list(value)[:50]]}
    return {"type": type(value).__name__}


def _bounded(value: Any) -> Any:
    """Return a value without anything that looks like a token, or what it is if it is long."""
    text = json.dumps(value)
    if len(text) > ToolCall.JSON_LENGTH:
        return {"type": type(value).__name__, "length": len(text)}
    return json.loads(without_tokens(text))


# --- Batches --------------------------------------------------------------------------------


def _wait(row: ToolCall) -> None:
    if not _waiting:
        # Registered when something waits: after a fork, for the process that has it.
        atexit.register(_flush_into, str(connection.settings_dict["NAME"]))
    _waiting.append(row)


def _flush_into(database: str) -> None:
    """Flush at a clean stop, unless the rows belong to the database of a test that has ended."""
    if database == str(connection.settings_dict["NAME"]):
        flush()


def flush() -> None:
    """Write the rows that wait, and delete those that are too old."""
    with _lock:
        rows = [_waiting.popleft() for _ in range(len(_waiting))]
        if not rows:
            return
        try:
            _insert(rows)
        except IntegrityError:
            _insert_one_by_one(rows)
        except Error:
            _waiting.extendleft(reversed(rows))
            _log.warning("The log of tool calls waits, because the database is unavailable.")


def _insert(rows: list[ToolCall]) -> None:
    by_tenant = attrgetter("tenant_id")
    too_old = timezone.now() - ToolCall.KEPT
    with transaction.atomic():
        for tenant_id, of_tenant in groupby(sorted(rows, key=by_tenant), key=by_tenant):
            with tenant_bound(tenant_id):
                ToolCall.objects.bulk_create(of_tenant)
                ToolCall.objects.filter(called_at__lt=too_old).delete()


def _insert_one_by_one(rows: list[ToolCall]) -> None:
    """Insert the rows of a batch that was refused, except those whose agent was deleted."""
    for row in rows:
        try:
            _insert([row])
        except IntegrityError:
            _log.info("A tool call is not logged, because its agent was deleted.")


def flush_regularly() -> None:
    """Flush from a thread of its own, for as long as the process lives."""

    def work() -> None:
        while True:
            time.sleep(FLUSHED_EVERY)
            try:
                flush()
            except Exception:  # the thread lives as long as the process
                _log.exception("The log of tool calls was not written.")
            finally:
                connection.close()

    threading.Thread(target=work, name="mcp-calls", daemon=True).start()
