"""All routes of the resolver, with their rules and paths into the demo world."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django_tasks_db.models import DBTaskResult

from collectives.commitments.models import Commitment
from collectives.decisions.models import Decision
from collectives.notifications.emails.links import Subscription, sign
from collectives.notifications.models import NotificationType
from collectives.reports.models import Report
from collectives.tables.models import TableData
from harmonic.access.checks import rule_of
from harmonic.agent_log.models import Entry
from harmonic.jobs.models import Job
from harmonic.kernel.access import Rule
from harmonic.kernel.actions import Action
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.runner.models import TaskRun
from tests.fixtures.world import World
from tokens.models import ApiToken

SITE, FRONT_DOOR = "harmonic.urls", "harmonic.site.front_door"


def ids_of(world: World) -> dict[str, str]:
    """Return values for the routes' parameters: Bob, his objects and his collectives."""
    token = ApiToken.unscoped.filter(owner=world.person("bob")).first()
    return {
        "handle": "bob",
        "slug": "api",
        "user_id": str(world.user("bob").id),
        "collective_id": "kitchen",
        "cycle_name": "this-year",
        "cycle_id": "this-year",
        "harness": "cursor",
        "run_id": str(_run(world).id),
        "job_id": str(_job(world).id),
        "report_id": str(_report(world).id),
        "entry_id": str(_entry(world).id),
        "token_id": str(token.id) if token else "7f000000-0000-4000-8000-000000000000",
        "room": world.workspace("bob").handle,
        "participant_id": "7f000000-0000-4000-8000-000000000000",
        "option_id": "7f000000-0000-4000-8000-000000000000",
        "vote_id": "7f000000-0000-4000-8000-000000000000",
        "row_id": str(_table(world).table.rows[0]["_id"]),
        "receipt": "0" * 64,
        "signed": sign(
            Subscription(world.tenant().id, world.user("bob").id, NotificationType.MENTION)
        ),
        "decision_id": _decision("Which oven do we buy?"),
        "commitment_id": _commitment("Deep clean on Saturday"),
        "note_in_main": world.note("The garden opens at eight").truncated_id,
        "note_in_kitchen": world.note("Knife care").truncated_id,
        "note_in_room": world.note("Knife care").truncated_id,
        "table_id": _table(world).note.truncated_id,
    }


def _commitment(title: str) -> str:
    row: Commitment = Commitment.unscoped.get(title=title)
    return row.truncated_id


def _decision(question: str) -> str:
    row: Decision = Decision.unscoped.get(title=question)
    return row.truncated_id


def _table(world: World) -> TableData:
    """Return Bob's table in the kitchen, which all members edit."""
    note = world.note("Who brings what to the open day")
    found: TableData = TableData.unscoped.select_related("note").get(note=note)
    return found


def _entry(world: World) -> Entry:
    """Return an entry in the log of Bob's agent."""
    pilot = world.person("pilot")
    found = Entry.unscoped.filter(user=pilot.user).first()
    if found is not None:
        return found
    with tenant_bound(pilot.tenant_id):
        return Entry.objects.create(
            tenant=pilot.tenant,
            user=pilot.user,
            tool_name="fetch_page",
            arguments={"path": "/whoami"},
            called_at=world.now,
        )


def _report(world: World) -> Report:
    """Return a report by Erin of Bob's note about knives."""
    note = world.note("Knife care")
    found = Report.unscoped.filter(item=note).first()
    if found is not None:
        return found
    with tenant_bound(note.tenant_id):
        return Report.objects.create(
            tenant=world.tenant(),
            item_id=note.id,
            collective_id=note.collective_id,
            author=note.created_by,
            reporter=world.user("erin"),
            reason="other",
            title=note.title,
            text=note.text,
            created_at=world.now,
        )


def _run(world: World) -> TaskRun:
    """Return a queued run of Bob's agent. It is external, so no worker would start it."""
    pilot = world.person("pilot")
    found = TaskRun.unscoped.filter(agent=pilot.user).first()
    if found is not None:
        return found
    with tenant_bound(pilot.tenant_id):
        return TaskRun.objects.create(
            tenant=pilot.tenant, agent=pilot.user, task="Water the beans.", created_at=world.now
        )


def _job(world: World) -> Job:
    """Return a job of the tenant."""
    found = Job.unscoped.filter(tenant=world.tenant()).first()
    if found is not None:
        return found
    # Running it fails, because the function does not exist; a request does not run it.
    row = DBTaskResult.objects.create(
        task_path="tests.access.routes.job", args_kwargs={"args": [], "kwargs": {}}
    )
    return Job.unscoped.create(id=row.id, task=row, tenant=world.tenant())


@dataclass(frozen=True)
class Route:
    """A route with its rule; `place` is the kitchen, Bob's workspace, or ""."""

    pattern: str
    rule: Rule | None
    place: str = ""
    action: Action[Any] | None = None
    action_name: str = ""
    urlconf: str = SITE

    @property
    def is_api(self) -> bool:
        return is_api_path(f"/{self.pattern}")

    def path(self, ids: dict[str, str]) -> str:
        path = f"/{self.pattern}".replace("<str:action_name>", self.action_name)
        for name, value in {**ids, **self._nearest(ids)}.items():
            path = path.replace(f"<str:{name}>", value).replace(f"<path:{name}>", value)
        assert "<" not in path, f"{self.pattern}: give its parameter an id of the world"
        return path

    def _nearest(self, ids: dict[str, str]) -> dict[str, str]:
        """Return the IDs for the place of the route."""
        nearest = {"note_id": ids[f"note_in_{self.place or 'main'}"]}
        if self.is_api and "/<str:note_id>/table" in self.pattern:
            nearest["note_id"] = ids["table_id"]
        if self.pattern.startswith("ai-agents/"):
            nearest["handle"] = "pilot"
        return {**nearest, "collective": ids["room"] if self.place == "room" else "kitchen"}


@cache
def routes() -> tuple[Route, ...]:
    return (*_routes_of(SITE), *_routes_of(FRONT_DOOR))


def _routes_of(urlconf: str) -> Iterator[Route]:
    for pattern, callback in walk(get_resolver(urlconf).url_patterns):
        route = Route(pattern, rule_of(callback), _place_of(pattern), urlconf=urlconf)
        if "<str:action_name>" in pattern:
            page = getattr(callback, "page", None)
            for action in page.actions if page else ():
                yield replace(route, action=action, action_name=action.name)
            yield replace(route, action_name="unknown_action")
        else:
            yield route


def _place_of(pattern: str) -> str:
    if pattern.startswith("collectives/<"):
        return "kitchen"
    return "room" if pattern.startswith("workspace/<") else ""


def walk(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from walk(each.url_patterns, route)
        elif isinstance(each, URLPattern):
            yield route, each.callback
