"""Reduction of a request to what the log keeps: names of parameters, and no tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from harmonic.agent_log.models import Entry, Surface
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.operations.redaction import without_tokens
from harmonic.kernel.parameters.decoding import DRY_RUN
from harmonic.kernel.rendering.text import storable


def text(sent: str, length: int) -> str:
    """Return a string without tokens and characters that cannot be stored, cut to a length."""
    return str(storable(without_tokens(sent)))[:length]


def keys(names: Iterable[object]) -> dict[str, list[str]]:
    """Return the names of parameters as the log keeps them: without values, and not too many."""
    known = list(names)[: Entry.KEYS]
    return {"keys": [text(str(name), Entry.KEY_LENGTH) for name in known]}


def bounded(value: Any) -> Any:
    """Return a value without anything that looks like a token, or what it is if it is long."""
    sent = json.dumps(value)
    if len(sent) > Entry.JSON_LENGTH:
        return {"type": type(value).__name__, "length": len(sent)}
    return storable(json.loads(without_tokens(sent)))


def new_entry(access: Access, surface: Surface, request_id: str, **values: Any) -> Entry:
    """Return an unsaved entry for a request of an agent."""
    token = access.token
    run_id = _run_of(access)
    return Entry(
        tenant_id=access.tenant.id,
        user_id=access.user.user_id,
        token_id=token.id if token else None,
        run_id=run_id,
        surface=Surface.RUN if run_id else surface,
        called_at=access.now,
        request_id=request_id[:128],
        **values,
    )


def _run_of(access: Access) -> UUID | None:
    """Return the run that an internal token was created for; its context names it."""
    token = access.token
    if token is None or not token.is_internal:
        return None
    return parse_uuid(token.context.rpartition(" ")[2])


def describe_error(entry: Entry, code: str, message: str) -> None:
    """Set why the request of an entry was refused."""
    entry.code = code[:64]
    entry.error = text(message, Entry.ERROR_LENGTH)


def outcome(entry: Entry, *, is_replayed: bool) -> str:
    """Return the code of a request that succeeded: "" unless it was a repetition or a dry run."""
    if is_replayed:
        return "replayed"
    return DRY_RUN if is_dry_run(entry) else ""


def is_dry_run(entry: Entry) -> bool:
    """Return whether the request may have been rolled back: it has the parameter `dry_run`."""
    return DRY_RUN in entry.arguments.get("params", {}).get("keys", ())
