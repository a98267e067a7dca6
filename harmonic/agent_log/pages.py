"""Pages of the log of an agent, for its parent, and its counts, for tenant admins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.urls import URLPattern

from accounts.agents.actions.pausing import pause_ai_agent, resume_ai_agent
from accounts.agents.models import path_of
from accounts.agents.pages import about, list_crumbs, own_agent
from accounts.models import TenantUser
from accounts.queries import people, with_user
from accounts.rules import ADMINISTRATION, for_admins
from harmonic.agent_log import storing
from harmonic.agent_log.models import Entry, EntryStatus, Surface
from harmonic.agent_log.queries import Filter, counts_of, days_of, tokens_in
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Link, NotFound, Unreadable
from harmonic.kernel.registry import path_to
from tokens.chart import bars
from tokens.owners.actions import stop_ai_agent

PER_PAGE = 50
FILTERS = ("status", "surface", "token", "day", "run", "tool")

# --- The log --------------------------------------------------------------------------------


def _list(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    # Entries that this process has not written yet are as much part of the log as others.
    storing.flush()
    asked = {name: access.query.get(name, "").strip() for name in FILTERS}
    filters = {name: value for name, value in asked.items() if value}
    page = numbered(_filter(asked).of(agent.user_id), access, PER_PAGE)
    days = days_of(agent.user_id, access.now)
    return {
        "agent": agent,
        "entries": page.object_list,
        "page": page,
        "path": access.path,
        "log_path": access.path,
        "query": urlencode(filters),
        "is_filtered": bool(filters),
        "statuses": EntryStatus.choices,
        "surfaces": Surface.choices,
        "tokens": tokens_in(agent.user_id),
        "bars": bars(days),
        "first_day": days[0].day,
        "last_day": days[-1].day,
        "most": max(day.requests for day in days),
        "requests": sum(day.requests for day in days),
        "refused": sum(day.refusals for day in days),
        **asked,
    }


def _filter(asked: Mapping[str, str]) -> Filter:
    return Filter(
        status=asked["status"],
        surface=asked["surface"],
        tool=asked["tool"],
        token=_id(asked["token"]),
        run=_id(asked["run"]),
        day=_day(asked["day"]),
    )


def _id(text: str) -> UUID | None:
    """Return the ID that a filter names; one that no row has if it is none."""
    return (parse_uuid(text) or NO_ID) if text else None


def _day(text: str) -> date | None:
    """Return the day that a filter names.

    Raises:
        Unreadable: the text is not a date.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable(
            "The day of the filter is not a date.", hint="Write it as in 2026-12-04."
        ) from None


def _crumbs(access: Access, agent: TenantUser) -> list[Link]:
    return [*list_crumbs(access, agent), Link(agent.display_name, path_of(agent))]


LOG = Page(
    name="agent_log.entries",
    template="agent_log/entries.html",
    title=lambda access, agent: f"Activity of {agent.display_name}",
    find=own_agent,
    show=_list,
    crumbs=_crumbs,
    about=about,
    actions=(pause_ai_agent, resume_ai_agent, stop_ai_agent),
    resource="users",
)


# --- One entry ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """An entry with its agent."""

    agent: TenantUser
    row: Entry


def _find_entry(access: Access, handle: str, entry_id: str) -> AgentEntry:
    """Return an entry in the log of the caller's agent.

    Raises:
        NotFound: the log has no such entry.
    """
    agent = own_agent(access, handle)
    storing.flush()
    rows = Entry.objects.filter(user_id=agent.user_id, id=parse_uuid(entry_id) or NO_ID)
    row = rows.select_related("token").first()
    if row is None:
        raise NotFound
    return AgentEntry(agent, row)


ENTRY: Page[AgentEntry] = Page(
    name="agent_log.entry",
    template="agent_log/entry.html",
    title=lambda access, entry: f"{entry.row.title} by {entry.agent.display_name}",
    find=_find_entry,
    show=lambda access, entry: {
        "agent": entry.agent,
        "entry": entry.row,
        "log_path": path_to("agent_log.entries", handle=entry.agent.handle),
        "arguments": json.dumps(entry.row.arguments, indent=2, ensure_ascii=False),
        "context": json.dumps(entry.row.context, indent=2, ensure_ascii=False),
    },
    crumbs=lambda access, entry: [
        *_crumbs(access, entry.agent),
        Link("Activity", path_to("agent_log.entries", handle=entry.agent.handle)),
    ],
    resource="users",
)


# --- Counts for tenant admins ---------------------------------------------------------------


def _counts(access: Access, target: None) -> Mapping[str, Any]:
    storing.flush()
    rows = with_user().filter(user__user_type=UserType.AI_AGENT).order_by("display_name", "id")
    page = numbered(rows, access)
    agents = list(page.object_list)
    ids = [agent.user_id for agent in agents]
    counts, known = counts_of(ids, access.now), people(ids)
    return {
        "agents": [
            (agent, known[agent.user_id], *counts.get(agent.user_id, (0, 0))) for agent in agents
        ],
        "page": page,
        "path": access.path,
    }


COUNTS: Page[None] = Page(
    name="agent_log.counts",
    template="agent_log/counts.html",
    title=lambda access, target: "AI agents",
    find=for_admins,
    show=_counts,
    crumbs=lambda access, target: [ADMINISTRATION],
    fresh="admin",
)


def urls() -> list[URLPattern]:
    return [
        *mount("ai-agents/<str:handle>/mcp-tool-calls", LOG),
        *mount("ai-agents/<str:handle>/mcp-tool-calls/<str:entry_id>", ENTRY),
        *mount("tenant-admin/agents", COUNTS),
    ]
