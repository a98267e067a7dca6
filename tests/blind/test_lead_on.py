"""A refusal that names a person, page or action is followed by that person, and it works."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Tenant
from accounts.suspension import suspend
from collectives.models import Collective
from collectives.notes.models import Note
from tests.access.routes import Route, ids_of, routes
from tests.access.sweep import ALL, KITCHEN, MAIN, Caller, headers_of
from tests.blind.following import follow
from tests.blind.refusals import Refusal, Request, read_refusal, refusals
from tests.fixtures.rows import note_path
from tests.fixtures.surfaces import MARKDOWN
from tests.fixtures.surfaces import Caller as Surface
from tests.fixtures.world import World, make_token

pytestmark = pytest.mark.one_database

OUTSIDER = Caller("outsider", "token", "carol", places=MAIN)
MEMBER = Caller("member", "token", "bob", places=ALL)
ADMIN = Caller("admin", "token", "alice", places=KITCHEN)
READER = Caller("read-only token", "token", "bob", places=ALL, is_read_only=True)
AGENT = Caller("agent", "token", "alice", places=KITCHEN, agent="scout")
NEWCOMER = Caller("agent in no collective", "token", "bob", places=MAIN, agent="pilot")
# Browsers.
VISITOR = Caller("outsider's browser", "session", "carol", places=MAIN)
READING = Caller("member's browser", "session", "bob", places=ALL)
LEADING = Caller("admin's browser", "session", "alice", places=KITCHEN)

# Refusals before the page or action is known: each is the same everywhere, and followed once.
BEFORE_THE_ROUTE = frozenset(
    {
        "insufficient_scope",
        "not_a_member",
        "api_disabled_tenant",
        "api_disabled_collective",
        "collective_archived",
        "agent_paused",
        "unauthorized",
    }
)


def named(each: Caller) -> str:
    return each.name.replace(" ", "_").replace("'s", "")


@pytest.mark.parametrize(
    "caller",
    [OUTSIDER, MEMBER, ADMIN, READER, AGENT, NEWCOMER, VISITOR, READING, LEADING],
    ids=named,
)
def test_every_refusal_leads_to_somebody_or_something_that_helps(
    caller: Caller, world: World, quiet: None
) -> None:
    make_token("bob")
    found = refusals(caller, headers_of(caller, world), ids_of(world))

    assert_followed(world, unlike(found))


# --- Closed places, deleted notes, agents that may not act -----------------------------------


def close_the_tenant(world: World) -> None:
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)


def close_the_kitchen(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)


def archive_the_kitchen(world: World) -> None:
    Collective.unscoped.filter(handle="kitchen").update(archived_at=timezone.now())


def delete_the_note(world: World) -> None:
    until = timezone.now() + timedelta(days=30)
    note = Note.unscoped.filter(title="Knife care")
    note.update(deleted_at=timezone.now(), hard_delete_after=until)


def pause_the_agent(world: World) -> None:
    agent = world.agent("scout")
    agent.paused_at = timezone.now()
    agent.save()


def suspend_the_agent(world: World) -> None:
    suspend(world.user("scout"), now=timezone.now())


def suspend_the_person(world: World) -> None:
    suspend(world.user("bob"), now=timezone.now())


def deactivate_the_agent(world: World) -> None:
    alice = Surface(MARKDOWN, "alice")
    alice.act("deactivate_ai_agent", "/ai-agents/scout").assert_done()


@dataclass(frozen=True)
class State:
    """A state of the world, who meets it, and the code of the refusals."""

    change: Callable[[World], None]
    callers: tuple[Caller, ...]
    codes: frozenset[str]
    about: str = ""

    def routes(self) -> Iterable[Route]:
        """Return the routes of the kitchen, and some of the tenant."""
        for route in routes():
            is_due = route.place == "kitchen" or route.pattern in {"whoami", "api/v1/users"}
            if is_due and self.about in route.pattern:
                yield route


STATES = {
    "API off in the tenant": State(
        close_the_tenant, (MEMBER, ADMIN, AGENT), frozenset({"api_disabled_tenant"})
    ),
    "API off in the collective": State(
        close_the_kitchen, (MEMBER, ADMIN, AGENT), frozenset({"api_disabled_collective"})
    ),
    "archived collective": State(
        archive_the_kitchen,
        (MEMBER, ADMIN, AGENT, READING, LEADING),
        frozenset({"collective_archived"}),
    ),
    "deleted note": State(
        delete_the_note,
        (MEMBER, ADMIN, AGENT, READING, LEADING),
        frozenset({"deleted", "not_found"}),
        about="<str:note_id>",
    ),
    "paused agent": State(pause_the_agent, (AGENT,), frozenset({"agent_paused"})),
    "suspended agent": State(suspend_the_agent, (AGENT,), frozenset({"unauthorized"})),
    "suspended person": State(suspend_the_person, (MEMBER, READING), frozenset({"unauthorized"})),
    "inactive agent": State(deactivate_the_agent, (AGENT,), frozenset({"unauthorized"})),
}


@pytest.mark.parametrize(
    ("state", "caller"),
    [(state, caller) for state in STATES for caller in STATES[state].callers],
    ids=lambda each: each.replace(" ", "_") if isinstance(each, str) else named(each),
)
def test_every_refusal_of_a_state_leads_on(
    state: str, caller: Caller, world: World, quiet: None
) -> None:
    ids, headers = ids_of(world), headers_of(caller, world)
    STATES[state].change(world)
    found = list(refusals(caller, headers, ids, STATES[state].routes()))

    is_redirected = all(each.location for each in found)
    assert found
    assert is_redirected or STATES[state].codes & {each.code for each in found}
    assert_followed(world, unlike(found))


# --- Tables and reminders --------------------------------------------------------------------

AT_A_TABLE = {
    "unknown row": ("delete_row", {"row_id": "00000000"}),
    "unknown column": ("remove_table_column", {"name": "Colour"}),
    "unknown operation": ("batch_table_update", {"operations": [{"action": "explode"}]}),
}


@pytest.mark.parametrize(("action", "sent"), AT_A_TABLE.values(), ids=AT_A_TABLE)
def test_a_refusal_at_a_table_leads_on(
    action: str, sent: dict[str, Any], world: World, quiet: None
) -> None:
    table = note_path(world.note("Who brings what to the open day"))

    assert_followed(world, [refused(MEMBER, f"{table}/actions/{action}", world, sent)])


def test_refusals_at_a_reminder_lead_on(world: World, quiet: None) -> None:
    reminder = note_path(world.note("Order flour"))

    assert_followed(world, [refused(ADMIN, f"{reminder}/actions/acknowledge_reminder", world)])
    Surface(MARKDOWN, "alice").act("cancel_reminder", reminder).assert_done()
    again = refused(ADMIN, f"{reminder}/actions/cancel_reminder", world)
    edited = refused(ADMIN, f"{reminder}/edit/actions/update_note", world, {"text": "Rye, too."})
    assert_followed(world, [again, edited])


def refused(caller: Caller, path: str, world: World, sent: dict[str, Any] | None = None) -> Refusal:
    """Perform an action, and return the refusal, which has a hint."""
    request = Request(caller, "POST", path, body=json.dumps(sent or {}))
    [refusal] = read_refusal(request, request.sent(headers_of(caller, world)))
    assert refusal.hint
    return refusal


# --- Following ------------------------------------------------------------------------------


def assert_followed(world: World, found: Iterable[Refusal]) -> None:
    faults = []
    for refusal in found:
        place = transaction.savepoint()
        try:
            follow(world, refusal)
        except AssertionError as fault:
            faults.append(str(fault).partition("\nassert")[0])
        transaction.savepoint_rollback(place)

    assert not faults, "\n\n".join(faults)


def unlike(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Return the refusals that say something, each action and page once."""
    seen = set()
    for refusal in found:
        request = refusal.request
        below = request.path.rpartition("/actions/")[2] if "/actions/" in request.path else ""
        about = (refusal.hint, refusal.location, below or (request.method, request.path))
        if refusal.code in BEFORE_THE_ROUTE or refusal.location:
            about = (refusal.hint, refusal.location, "")
        if (refusal.hint or refusal.location) and about not in seen:
            seen.add(about)
            yield refusal
