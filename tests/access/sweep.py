"""A sweep of one caller through all routes, and the responses that each rule allows.

The routes come from the resolver and what to expect of them from their rules, so that a new
page is held to both from its first day.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from harmonic.kernel.access import AccessLevel
from tests.access.contents import contents, writes_noted
from tests.access.routes import FRONT_DOOR, Route
from tests.access.stage import Stage
from tests.fixtures.world import BROWSER, World, anonymous_client, host, make_token, sign_in

READS = ("GET", "HEAD", "OPTIONS")
WRITES = ("POST", "PUT", "PATCH", "DELETE")

# Statuses that a page, an action or a resource can return to an admitted caller.
READ_ANSWERS = frozenset({200, 204, 301, 302, 400, 403, 404, 405, 406})
WRITE_ANSWERS = READ_ANSWERS | {303, 409, 422}
# Changing an account that is not one's own is "Unauthorized" for public clients.
ANSWERS_OF_ACCOUNTS = WRITE_ANSWERS | {401}

# The parameters of all actions; each reads its own.
BODY = {
    "title": "A title",
    "text": "Some text",
    "content": "A scratchpad",
    "task": "A task",
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
    "question": "A question?",
    "titles": ["An option"],
    "option": "An option",
    "votes": [{"option_title": "An option", "accept": True}],
    "critical_mass": 3,
    "id": "7f000000-0000-4000-8000-000000000000",
    "collective_id": "reminders",
    "reason": "spam",
    "status": "reviewed",
    "scheduled_for": "3d",
    "columns": [{"name": "Dish", "type": "text"}],
    "type": "text",
    "values": {"Dish": "Soup"},
    "description": "A description",
    "row_id": "3f0c7a52",
    "operations": [{"action": "add_row", "values": {"Dish": "Soup"}}],
    "csv": "Dish\nSoup\n",
    "operation": "count",
    "notifications": {"mention": {"email": False}},
    "q": "type:note",
}


# --- Who asks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """A caller with a session or a token; `places` are the collectives they belong to."""

    name: str
    by: str  # session, token or ""
    handle: str = ""
    tenant: str = "garden"
    places: frozenset[str] = frozenset()
    is_dead: bool = False
    is_read_only: bool = False
    agent: str = ""
    is_of_old: bool = False
    is_internal: bool = False


MAIN, KITCHEN, ALL = (
    frozenset({""}),
    frozenset({"", "kitchen"}),
    frozenset({"", "kitchen", "room"}),
)


@dataclass(frozen=True)
class Switches:
    """The API switches of the tenant and the kitchen."""

    tenant: bool = True
    kitchen: bool = True


# --- What the rule says ---------------------------------------------------------------------


def closed_by(switches: Switches, caller: Caller, route: Route, method: str) -> str:
    """Return the code of the refusal that the API switches cause, or "".

    They bind tokens, except those of internal agents, and never sessions.
    """
    assert route.rule is not None
    is_bound = caller.by == "token" and not caller.is_internal
    is_open = route.rule.access_level == AccessLevel.PUBLIC or (
        route.is_api and method == "OPTIONS"
    )
    if not is_bound or is_open or route.urlconf == FRONT_DOOR:
        return ""
    if not switches.tenant:
        return "api_disabled_tenant"
    if switches.kitchen or route.place not in caller.places:
        return ""
    names_kitchen = route.place == "kitchen" or "<str:collective_id>" in route.pattern
    return "api_disabled_collective" if names_kitchen else ""


def gate(caller: Caller, route: Route, method: str) -> frozenset[int] | None:
    """Return the refusal expected before the page runs, or None if the rule admits the caller."""
    assert route.rule is not None
    if route.urlconf == FRONT_DOOR:
        return None
    if caller.by == "token" and caller.is_dead:
        return frozenset({401})
    if route.rule.access_level == AccessLevel.PUBLIC or (route.is_api and method == "OPTIONS"):
        return None
    if caller.by != "token" and route.is_api:
        return frozenset({401})
    if not caller.by or caller.is_dead:
        return frozenset({302 if method == "GET" else 401})
    if route.place not in caller.places:
        return outside(caller, route, method)
    if caller.is_read_only and method in WRITES and not is_open_to_readers(route):
        return frozenset({403})
    return None


def outside(caller: Caller, route: Route, method: str) -> frozenset[int] | None:
    assert route.rule is not None
    if route.place == "room":
        return frozenset({404})
    if route.rule.access_level == AccessLevel.NON_MEMBERS:
        return None
    return frozenset({302 if caller.by == "session" and method == "GET" else 403})


def is_open_to_readers(route: Route) -> bool:
    """Return whether a read-only token is admitted: any scope will do, or the action only reads."""
    assert route.rule is not None
    if route.rule.any_scope:
        return True
    return route.action is not None and route.action.is_read


def answers(route: Route, method: str) -> frozenset[int]:
    if method in READS:
        return READ_ANSWERS
    return ANSWERS_OF_ACCOUNTS if route.pattern.startswith("api/v1/users") else WRITE_ANSWERS


def may_write(caller: Caller, route: Route, method: str, status: int) -> bool:
    is_allowed = gate(caller, route, method) is None
    return is_allowed and method in WRITES and status < 400 and not caller.is_read_only


# --- The sweep ------------------------------------------------------------------------------


def headers_of(caller: Caller, world: World) -> dict[str, str]:
    at = timezone.now() - timedelta(days=2) if caller.is_of_old else None
    if caller.is_internal:
        return {"authorization": f"Bearer {Stage(world).internal_token()}"}
    if caller.by == "token":
        scope = "read" if caller.is_read_only else "write"
        plaintext = make_token(
            caller.handle, scope, tenant=caller.tenant, agent=caller.agent or None, at=at
        )
        return {"authorization": f"Bearer {plaintext}"}
    browser = anonymous_client()
    if caller.by == "session":
        sign_in(browser, caller.handle, caller.tenant, at)
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    return {"cookie": cookies}


class Sweep:
    """The sweep of one caller through all routes, with the faults found."""

    def __init__(
        self,
        caller: Caller,
        headers: dict[str, str],
        ids: dict[str, str],
        switches: Switches = Switches(),  # it is frozen
    ) -> None:
        self.caller = caller
        self.headers = headers
        self.ids = ids
        self.switches = switches
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
        headers = {**self.headers, "host": at, "accept": self._accept(route, method)}
        response = self.client.generic(method, path, body, "application/json", headers=headers)
        return cast(HttpResponse, response)

    def _accept(self, route: Route, method: str) -> str:
        """Return the `Accept` header of the caller's usual format, or of the fastest one."""
        if method != "GET" or closed_by(self.switches, self.caller, route, method):
            return "application/json"
        return BROWSER if "cookie" in self.headers else "*/*"

    def _fault(self, route: Route, method: str, response: HttpResponse, written: list[str]) -> str:
        code = closed_by(self.switches, self.caller, route, method)
        if code:
            return self._left_open(route, method, response, code) or self._changed(written)
        if response.status_code == 403 and SWITCHED_OFF in response.text:
            return f"is refused by a switch: {response.text[:120]}"
        allowed = gate(self.caller, route, method) or answers(route, method)
        if response.status_code not in allowed:
            return f"answered {response.status_code}, not one of {sorted(allowed)}"
        is_allowed = may_write(self.caller, route, method, response.status_code)
        if not is_allowed and (changed := self._changed(written)):
            return changed
        if response.status_code == 403 and method != "HEAD" and not shows_a_way(response):
            return "says no, and not who could change that"
        if is_allowed and route.action is not None and not route.action.changes_access:
            changed = next((sql for sql in written if CHANGES_ACCESS.match(sql)), "")
            # Updating the scratchpad requires no capability.
            if changed and route.action_name != "update_scratchpad":
                return f"changes who may do what, and does not state it: {changed[:120]}"
        return ""

    def _changed(self, written: list[str]) -> str:
        """Return the first statement of a request that changed stored content."""
        is_changed = bool(written) and contents() != self.before
        return f"wrote: {written[0][:120]}" if is_changed else ""

    def _left_open(self, route: Route, method: str, response: HttpResponse, code: str) -> str:
        """Return the fault of a response that a switch must refuse."""
        if response.status_code == 405 and method not in response.headers["Allow"].split(", "):
            return ""
        if response.status_code != 403:
            return f"answered {response.status_code}, not 403 {code}"
        if method != "HEAD" and json.loads(response.text)["code"] != code:
            return f"was refused for another reason than {code}: {response.text[:120]}"
        return ""


SWITCHED_OFF = "API not enabled for this"
CHANGES_ACCESS = re.compile(
    r'(INSERT INTO|UPDATE|DELETE FROM) "(collectives_collectivemember|accounts_tenantuser)"'
    r'|UPDATE "(accounts_tenant|accounts_user|collectives_collective)"'
    r'|UPDATE "tokens_apitoken" SET "deleted_at"'
)


def shows_a_way(response: HttpResponse) -> bool:
    """Return whether a refusal has a hint, in any format."""
    kind, text = response["Content-Type"], response.text
    if "json" in kind:
        return bool(json.loads(text).get("hint"))
    if "html" in kind:
        return bool(re.search(r"</h1>\s*<p>.+</p>\s*<p class=\"buttons\">\s*<a", text))
    return "\n## What you can do\n" in text
