"""Recording of the tool calls of agents in their log.

A write has its entry before it is executed, so that one that never ends is seen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harmonic.agent_log import entries, storing
from harmonic.agent_log.models import Entry, EntryStatus, Surface
from harmonic.kernel.access import Access
from harmonic.mcp.tools import TOOLS, Result


@dataclass(slots=True)
class Recording:
    """A call that is under way."""

    entry: Entry
    is_write: bool
    began: float

    def end(self, result: Result) -> None:
        """Record how the call ended."""
        entry, facts = self.entry, result.facts
        entry.duration_ms = round((time.perf_counter() - self.began) * 1000)
        if entry.status == EntryStatus.PENDING:
            entry.status = EntryStatus.TOOL_ERROR if result.is_error else EntryStatus.OK
        entry.http_status = facts.get("status")
        entry.touched = facts.get("resource")
        if result.is_error:
            entries.describe_error(entry, str(facts.get("code", "")), str(facts.get("error", "")))
        else:
            entry.code = entries.outcome(entry, is_replayed="replayed" in facts)
        if self.is_write:
            storing.update(entry)
        else:
            storing.wait(entry)


def begin(access: Access, name: str, sent: Any, request_id: str) -> Recording | None:
    """Begin to record a call; None for calls of people, which are not logged."""
    if not access.user.is_agent:
        return None
    arguments = sent if isinstance(sent, dict) else {}
    is_known = name in TOOLS
    entry = entries.new_entry(
        access,
        Surface.MCP,
        request_id,
        tool_name=entries.text(name, Entry.NAME_LENGTH),
        arguments=_declared(name, arguments),
        context=entries.bounded(arguments.get("context")) if is_known else None,
        status=EntryStatus.PENDING if is_known else EntryStatus.UNKNOWN_TOOL,
    )
    is_write = name == "execute_action"
    if is_write:
        storing.insert(entry)
    return Recording(entry, is_write, time.perf_counter())


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
        return entries.bounded(value)
    return entries.keys(value) if isinstance(value, dict) else {"type": type(value).__name__}
