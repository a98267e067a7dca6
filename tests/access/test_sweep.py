"""Every route, by everybody, with every method: each answer is one that the route's rule allows.

The routes come from the resolver and what to expect of them from their rules, so that a new
page is held to both from its first day.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from harmonic.kernel.access import Door
from harmonic.kernel.parameters.decoding import Raw, validated
from harmonic.kernel.registry import actions
from tests.access.contents import contents, writes_noted
from tests.access.routes import FRONT_DOOR, Route, ids_of, routes
from tests.fixtures.world import BROWSER, World, client_of_nobody, host, make_token, sign_in

READS = ("GET", "HEAD", "OPTIONS")
WRITES = ("POST", "PUT", "PATCH", "DELETE")

# What a page, an action or a resource may answer to whom its rule lets in.
READ_ANSWERS = frozenset({200, 204, 301, 302, 400, 403, 404, 405, 406})
WRITE_ANSWERS = READ_ANSWERS | {303, 409, 422}
# Changing an account that is not one's own is "Unauthorized" for public clients.
ANSWERS_OF_ACCOUNTS = WRITE_ANSWERS | {401}

# The parameters of all actions at once: each takes its own.
BODY = {
    "title": "A title",
    "text": "Some text",
    "content": "A scratchpad",
    "name": "A name",
    "handle": "a-fresh-handle",
    "read_write": "write",
    "scopes": ["read:all"],
    "role": "admin",
    "grant": True,
    "pinned": True,
    "user_handle": "erin",
    "display_name": "Another name",
    "archived": True,
}


# --- Who asks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Somebody with a session or a token; `places` are those of the sweep they belong to."""

    name: str
    by: str  # session, token or ""
    handle: str = ""
    tenant: str = "garden"
    places: frozenset[str] = frozenset()
    is_dead: bool = False
    is_read_only: bool = False
    agent: str = ""
    is_of_old: bool = False


MAIN, KITCHEN, ALL = (
    frozenset({""}),
    frozenset({"", "kitchen"}),
    frozenset({"", "kitchen", "room"}),
)
CALLERS = (
    Caller("nobody", ""),
    Caller("session of another tenant", "session", "dave", "summit", is_dead=True),
    Caller("token of another tenant", "token", "dave", "summit", is_dead=True),
    Caller("outsider's session", "session", "carol", places=MAIN),
    Caller("outsider's token", "token", "carol", places=MAIN),
    Caller("member's session", "session", "bob", places=ALL),
    Caller("member's token", "token", "bob", places=ALL),
    Caller("member's read-only token", "token", "bob", places=ALL, is_read_only=True),
    Caller("admin's session", "session", "alice", places=KITCHEN),
    Caller("admin's token", "token", "alice", places=KITCHEN),
    Caller("agent's token", "token", "alice", places=KITCHEN, agent="scout"),
    Caller("suspended person's session", "session", "erin", is_dead=True, is_of_old=True),
    Caller("suspended person's token", "token", "erin", is_dead=True, is_of_old=True),
)


# --- What the rule says ---------------------------------------------------------------------


def gate(caller: Caller, route: Route, method: str) -> frozenset[int] | None:
    """Return what is answered before the page is asked, or None where the rule lets in."""
    assert route.rule is not None
    if route.urlconf == FRONT_DOOR:
        return None
    if caller.by == "token" and caller.is_dead:
        return frozenset({401})
    if route.rule.door == Door.PUBLIC or (route.is_api and method == "OPTIONS"):
        return None
    if caller.by != "token" and route.is_api:
        return frozenset({401})
    if not caller.by or caller.is_dead:
        return frozenset({302 if method == "GET" else 401})
    if route.place not in caller.places:
        return outside(caller, route, method)
    if caller.is_read_only and method in WRITES and not is_open_to_readers(route, method):
        return frozenset({403})
    return None


def outside(caller: Caller, route: Route, method: str) -> frozenset[int] | None:
    assert route.rule is not None
    if route.place == "room":
        return frozenset({404})
    if route.rule.door == Door.THRESHOLD:
        return None
    return frozenset({302 if caller.by == "session" and method == "GET" else 403})


def is_open_to_readers(route: Route, method: str) -> bool:
    """Answer whether a read-only token may try: any scope will do, or the action only reads."""
    assert route.rule is not None
    if route.rule.any_scope:
        return True
    return method == "POST" and route.action is not None and route.action.is_read


def answers(route: Route, method: str) -> frozenset[int]:
    if method in READS:
        return READ_ANSWERS
    return ANSWERS_OF_ACCOUNTS if route.pattern.startswith("api/v1/users") else WRITE_ANSWERS


def may_write(caller: Caller, route: Route, method: str, status: int) -> bool:
    is_let_in = gate(caller, route, method) is None
    return is_let_in and method in WRITES and status < 400 and not caller.is_read_only


# --- The sweep ------------------------------------------------------------------------------


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    make_token("bob")
    return ids_of(world)


def headers_of(caller: Caller) -> dict[str, str]:
    at = timezone.now() - timedelta(days=2) if caller.is_of_old else None
    if caller.by == "token":
        scope = "read" if caller.is_read_only else "write"
        plaintext = make_token(
            caller.handle, scope, tenant=caller.tenant, agent=caller.agent or None, at=at
        )
        return {"authorization": f"Bearer {plaintext}"}
    browser = client_of_nobody()
    if caller.by == "session":
        sign_in(browser, caller.handle, caller.tenant, at)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    return {"cookie": cookies}


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keep thousands of refusals out of the log, which other tests look at."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "caller", CALLERS, ids=lambda caller: caller.name.replace(" ", "_").replace("'s", "")
)
def test_every_answer_is_one_that_the_routes_rule_allows(
    caller: Caller, world: World, ids: dict[str, str], quiet: None
):
    headers = headers_of(caller)
    sweep = Sweep(caller, headers, ids)

    for route in routes():
        for method in (*READS, *WRITES):
            sweep.ask(route, method)
            if method in WRITES and gate(caller, route, method) is not None:
                sweep.ask(route, method, json.dumps({**BODY, "ai_agent_id": ids["user_id"]}))

    assert sweep.faults == []


class Sweep:
    """One caller's way through all routes, and what was wrong on it."""

    def __init__(self, caller: Caller, headers: dict[str, str], ids: dict[str, str]) -> None:
        self.caller = caller
        self.headers = headers
        self.ids = ids
        self.faults: list[str] = []
        self.before = contents()
        self.client = Client(raise_request_exception=False)

    def ask(self, route: Route, method: str, body: str = "") -> None:
        path = route.path(self.ids)
        place = transaction.savepoint()
        with writes_noted() as written:
            response = self._send(route, method, path, body)
        fault = self._fault(route, method, response, written)
        if fault:
            self.faults.append(f"{method} {path} {'with a body ' if body else ''}{fault}")
        transaction.savepoint_rollback(place)

    def _send(self, route: Route, method: str, path: str, body: str) -> HttpResponse:
        at = host("" if route.urlconf == FRONT_DOOR else "garden")
        # A page is shown as its reader asks for it; all else in the format that is read fastest.
        shown = BROWSER if "cookie" in self.headers else "*/*"
        accept = shown if method == "GET" else "application/json"
        headers = {**self.headers, "host": at, "accept": accept}
        response = self.client.generic(method, path, body, "application/json", headers=headers)
        return cast(HttpResponse, response)

    def _fault(self, route: Route, method: str, response: HttpResponse, written: list[str]) -> str:
        allowed = gate(self.caller, route, method) or answers(route, method)
        if response.status_code not in allowed:
            return f"answered {response.status_code}, not one of {sorted(allowed)}"
        is_allowed = may_write(self.caller, route, method, response.status_code)
        if written and not is_allowed and contents() != self.before:
            return f"wrote: {written[0][:120]}"
        if response.status_code == 403 and method != "HEAD" and not shows_a_way(response):
            return "says no, and not who could change that"
        if is_allowed and route.action is not None and not route.action.changes_access:
            changed = next((sql for sql in written if CHANGES_ACCESS.match(sql)), "")
            # The scratchpad stands beside an agent's capabilities, and is none.
            if changed and route.action_name != "update_scratchpad":
                return f"changes who may do what, and does not state it: {changed[:120]}"
        return ""


CHANGES_ACCESS = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "(collectives_collectivemember|accounts_tenantuser)"'
    r'|UPDATE "(accounts_tenant|accounts_user|collectives_collective)"'
    r'|UPDATE "tokens_apitoken" SET "deleted_at"'
)


def shows_a_way(response: HttpResponse) -> bool:
    """Answer whether a refusal names a cure, in whichever format it is."""
    kind, text = response["Content-Type"], response.text
    if "json" in kind:
        return bool(json.loads(text).get("hint"))
    if "html" in kind:
        return bool(re.search(r"</h1>\s*<p>.+</p>\s*<p class=\"buttons\">\s*<a", text))
    return "\n## What you can do\n" in text


# --- What the sweep stands on ---------------------------------------------------------------


def test_every_route_has_a_rule():
    assert [route.pattern for route in routes() if route.rule is None] == []


def test_the_sweep_meets_the_pages_inside_and_outside_of_collectives():
    patterns = {route.pattern for route in routes()}

    assert {"whoami", "n/<str:note_id>", "api/v1/notes"} <= patterns
    assert "collectives/<str:collective>/n/<str:note_id>" in patterns
    assert "workspace/<str:collective>/settings" in patterns
    assert {route.place for route in routes()} == {"", "kitchen", "room"}


def test_the_body_of_the_sweep_is_one_that_every_action_takes():
    body = Raw({**BODY, "ai_agent_id": "7f000000-0000-4000-8000-000000000000"})

    for action in actions().values():
        validated(action.params, body)


def test_the_sweep_would_see_a_write(world: World):
    before = contents()

    with writes_noted() as written:
        User.objects.filter(email="bob@example.com").update(name="Robert")

    assert written
    assert contents() != before
