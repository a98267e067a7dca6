"""The page behind the MCP context resource, and the log of the tool calls of an agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from accounts.agents.models import path_of
from accounts.agents.pages import below_list, own_agent
from accounts.agents.whoami import whoami
from accounts.models import TenantUser
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.page_views import mounted
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.registry import path_to
from harmonic.mcp import calls
from harmonic.mcp.models import ToolCall
from harmonic.mcp.tools import TOOLS

# Characters of the identity prompt.
PROMPT_SHOWN = 1500


def _show(access: Access, target: None) -> Mapping[str, Any]:
    known = whoami(access, target)
    prompt = known["prompt"] or ""
    shown = prompt if len(prompt) <= PROMPT_SHOWN else f"{prompt[:PROMPT_SHOWN]}…"
    return {**known, "prompt": shown}


CONTEXT: Page[None] = Page(
    name="mcp.context",
    template="mcp/context.html",
    title=lambda access, target: f"Harmonic context for @{access.user.handle}",
    show=_show,
)


# --- The log of an agent --------------------------------------------------------------------


def _list(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    # Calls that this process has not written yet are as much part of the log as others.
    calls.flush()
    asked = {name: access.query.get(name, "").strip() for name in ("status", "tool")}
    rows = ToolCall.objects.filter(user_id=agent.user_id).select_related("token")
    if asked["status"]:
        rows = rows.filter(status=asked["status"])
    if asked["tool"]:
        rows = rows.filter(tool_name=asked["tool"])
    page = numbered(rows.order_by("-called_at", "-id"), access)
    return {
        "agent": agent,
        "calls": page.object_list,
        "page": page,
        "path": access.path,
        "is_filtered": any(asked.values()),
        "statuses": ToolCall.Status.choices,
        "tools": list(TOOLS),
        **asked,
    }


def _crumbs(access: Access, agent: TenantUser) -> list[Link]:
    return [*below_list(access, agent), Link(agent.display_name, path_of(agent))]


CALLS = Page(
    name="mcp.calls",
    template="mcp/calls.html",
    title=lambda access, agent: f"Tool calls of {agent.display_name}",
    find=own_agent,
    show=_list,
    crumbs=_crumbs,
    resource="users",
)


@dataclass(frozen=True, slots=True)
class AgentCall:
    """A tool call with its agent."""

    agent: TenantUser
    row: ToolCall


def _find_call(access: Access, handle: str, call_id: str) -> AgentCall:
    """Return a call of the caller's agent.

    Raises:
        NotFound: the agent made no such call.
    """
    agent = own_agent(access, handle)
    calls.flush()
    rows = ToolCall.objects.filter(user_id=agent.user_id, id=parse_uuid(call_id) or NO_ID)
    row = rows.select_related("token").first()
    if row is None:
        raise NotFound
    return AgentCall(agent, row)


CALL: Page[AgentCall] = Page(
    name="mcp.call",
    template="mcp/call.html",
    title=lambda access, call: f"{call.row.tool_name} by {call.agent.display_name}",
    find=_find_call,
    show=lambda access, call: {
        "agent": call.agent,
        "call": call.row,
        "arguments": json.dumps(call.row.arguments, indent=2, ensure_ascii=False),
        "context": json.dumps(call.row.context, indent=2, ensure_ascii=False),
    },
    crumbs=lambda access, call: [
        *_crumbs(access, call.agent),
        Link("Tool calls", path_to("mcp.calls", handle=call.agent.handle)),
    ],
    resource="users",
)


def urls() -> list[URLPattern]:
    return [
        *mounted("mcp/context", CONTEXT),
        *mounted("ai-agents/<str:handle>/mcp-tool-calls", CALLS),
        *mounted("ai-agents/<str:handle>/mcp-tool-calls/<str:call_id>", CALL),
    ]
