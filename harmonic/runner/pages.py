"""The pages of runs: the form that starts one, the list of an agent's runs, and one run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import URLPattern, path

from accounts.actions.people import agent_resource
from accounts.agents.models import path_of
from accounts.agents.pages import list_crumbs
from accounts.models import TenantUser
from accounts.queries import people
from api.responses.timestamps import format_timestamp
from harmonic.kernel.access import Access
from harmonic.kernel.database.tenancy import NO_ID, parse_uuid
from harmonic.kernel.page_views import form_alias, mount
from harmonic.kernel.pages import Page
from harmonic.kernel.refusals import Conflict, Forbidden, Link
from harmonic.kernel.registry import path_to
from harmonic.runner.actions import cancel_ai_agent_run, run_ai_agent, run_resource
from harmonic.runner.models import RunStatus, RunStep, TaskRun
from harmonic.runner.queries import agent_with_runs, run_of_agent, runs_page
from harmonic.runner.rules import DEMO_MODEL, AgentRun, may_run_agent, model_of, run_settings

DEMO_NAME: Final = "demo model (a script)"
# A run that waits longer than this is reported: no worker may be running.
USUAL_WAIT: Final = timedelta(seconds=15)


def _crumbs(access: Access, agent: TenantUser) -> list[Link]:
    return [*list_crumbs(access, agent), Link(agent.display_name, path_of(agent))]


def _run_crumbs(access: Access, run: AgentRun) -> list[Link]:
    runs = path_to("runs.list", handle=run.agent.handle)
    return [*_crumbs(access, run.agent), Link("Runs", runs)]


# --- Starting a run -------------------------------------------------------------------------


def _form(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    again = parse_uuid(access.query.get("again", "")) or NO_ID
    earlier = TaskRun.objects.of_agent(agent.user_id).filter(id=again).first()
    limits = run_settings()
    return {
        "agent": agent,
        "denied": may_run_agent(access, agent),
        "model": model_of(agent),
        "is_demo": model_of(agent) == DEMO_MODEL,
        "has_models": len(limits.models) > 1,
        "earlier": {"task": earlier.task, "max_steps": earlier.max_steps} if earlier else {},
        "most_minutes": limits.seconds // 60,
        "most_tokens": f"{limits.tokens:,}",
        "runs_path": path_to("runs.list", handle=agent.handle),
    }


NEW: Page[TenantUser] = Page(
    name="runs.new",
    template="runs/new.html",
    title=lambda access, agent: f"Give {agent.display_name} a task",
    find=agent_with_runs,
    show=_form,
    crumbs=_crumbs,
    about=lambda access, agent: agent_resource(agent),
    actions=(run_ai_agent,),
    writes={"POST": run_ai_agent},
    resource="users",
    keeps_input_of=(Conflict, Forbidden),
)


# --- The runs of an agent -------------------------------------------------------------------


def _list(access: Access, agent: TenantUser) -> Mapping[str, Any]:
    page = runs_page(access, agent)
    return {
        "agent": agent,
        "runs": page.rows,
        "older_href": f"{access.path}?{urlencode({'cursor': page.older})}" if page.older else "",
        "newer_href": "" if page.is_first else access.path,
        "may_run": may_run_agent(access, agent) is None,
        "run_path": path_to("runs.new", handle=agent.handle),
        "kept_days": run_settings().kept_days,
    }


LIST: Page[TenantUser] = Page(
    name="runs.list",
    template="runs/list.html",
    title=lambda access, agent: f"Runs of {agent.display_name}",
    find=agent_with_runs,
    show=_list,
    crumbs=_crumbs,
    resource="users",
)


# --- One run --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the run's page shows it; the sentence is in the template."""

    row: RunStep
    # The page that was read or that has the action, as the model named it.
    path: str
    # The same if it can be a link.
    href: str

    @property
    def reason(self) -> str:
        """The reason of a refusal as a sentence; its contract may have no full stop."""
        error = str(self.row.detail.get("error") or "")
        return f"{error}." if error and error[-1] not in ".!?…" else error

    @property
    def is_under_way(self) -> bool:
        return self.row.duration_ms is None

    @property
    def search_words(self) -> str:
        """The words of a search, or the topic of a help request."""
        return str(self.row.detail.get("query") or self.row.detail.get("topic") or "")


# Paths that can be links as they are. The model chose them, and may have made them up.
_LINKABLE: Final = re.compile(r"/(?![/\\])[\w/.~@-]*(\?[\w=&.~@%+-]*)?", re.ASCII)


def _shown_step(step: RunStep) -> ShownStep:
    named = str(step.detail.get("path") or "")
    is_linked = _LINKABLE.fullmatch(named) and not step.is_refused
    return ShownStep(step, named, named if is_linked else "")


def _run(access: Access, run: AgentRun) -> Mapping[str, Any]:
    row = run.row
    steps = [_shown_step(step) for step in row.steps.all()]
    written = [step for step in steps if step.row.detail.get("resource")]
    refusals = sum(step.row.is_refused for step in steps)
    is_waiting = row.status == RunStatus.QUEUED
    return {
        "agent": run.agent,
        "author": people([run.agent.user_id])[run.agent.user_id],
        "run": row,
        "facts": _facts(access, run),
        "steps": steps,
        "written": written,
        "refusals": refusals,
        "has_result": bool(written or refusals or not row.is_active),
        "is_waiting_long": is_waiting and access.now - row.created_at > USUAL_WAIT,
        "again_path": f"{path_to('runs.new', handle=run.agent.handle)}?again={row.id}",
        "may_run": may_run_agent(access, run.agent) is None,
    }


def _facts(access: Access, run: AgentRun) -> list[tuple[str, Any]]:
    row, limits = run.row, run_settings()
    facts: list[tuple[str, Any]] = [
        ("Status", row.get_status_display()),
        ("Agent", people([run.agent.user_id])[run.agent.user_id]),
        ("Model", DEMO_NAME if row.model == DEMO_MODEL else row.model),
        ("Queued", row.created_at),
    ]
    if row.started_at:
        used = ((row.ended_at or access.now) - row.started_at).total_seconds()
        facts.append(("Time", f"{used:.0f} of {limits.seconds} seconds"))
    facts += [
        ("Steps", f"{row.steps_count} of {row.max_steps}"),
        ("Model tokens", f"{row.total_tokens:,} of {limits.tokens:,}"),
    ]
    if row.estimated_cost_usd is not None:
        facts.append(("Estimated cost", f"US$ {row.estimated_cost_usd:.4f}"))
    return facts


def _run_json(access: Access, run: AgentRun) -> Mapping[str, Any]:
    row = run.row
    return {
        "status": row.status,
        "steps_count": row.steps_count,
        "steps": [
            {
                "type": step.type,
                "detail": step.detail,
                "timestamp": format_timestamp(step.happened_at),
            }
            for step in row.steps.all()
        ],
        "final_message": row.final_message or None,
        "error": row.error or None,
    }


RUN: Page[AgentRun] = Page(
    name="runs.show",
    template="runs/show.html",
    title=lambda access, run: f"Run of {run.agent.display_name}",
    find=run_of_agent,
    show=_run,
    crumbs=_run_crumbs,
    about=lambda access, run: run_resource(run.agent, run.row),
    actions=(cancel_ai_agent_run,),
    resource="users",
    json=_run_json,
)


def urls() -> list[URLPattern]:
    return [
        *mount("ai-agents/<str:handle>/run", NEW),
        *mount("ai-agents/<str:handle>/runs", LIST),
        *mount("ai-agents/<str:handle>/runs/<str:run_id>", RUN),
        path(
            "ai-agents/<str:handle>/runs/<str:run_id>/cancel",
            form_alias(RUN, cancel_ai_agent_run),
            name="runs.cancel",
        ),
    ]
