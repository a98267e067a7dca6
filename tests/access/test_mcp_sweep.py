"""All pages and actions over MCP: a tool answers as Markdown answers the same token."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from harmonic.kernel.registry import actions
from harmonic.mcp.dispatch import MAX_REDIRECTS
from tests.access.contents import APPS, contents, writes_noted
from tests.access.routes import SITE, Route, routes
from tests.access.sweep import BODY, KITCHEN, Caller, headers_of
from tests.access.test_sweep import CALLERS
from tests.fixtures.world import World, host

TOKENS = [
    *(caller for caller in CALLERS if caller.by == "token"),
    Caller("run's token", "token", "steward", places=KITCHEN, is_internal=True),
]
ACTIONS = "/actions/"
STATIC_URL = f"/{settings.STATIC_URL.strip('/')}/"


@dataclass(frozen=True)
class Result:
    """The status and code of a response, and whether the request changed stored content."""

    status: int
    code: str
    is_changed: bool = field(default=False, compare=False)


class Sweep:
    """Requests of one caller, each over Markdown and by a tool, that change nothing."""

    def __init__(self, caller: Caller, headers: dict[str, str], ids: dict[str, str]) -> None:
        self.caller = caller
        self.ids = ids
        self.before = contents()
        self.body = {**BODY, "ai_agent_id": ids["user_id"]}
        at = host("garden")
        self.client = Client(raise_request_exception=False, headers={**headers, "host": at})

    # --- Over Markdown ----------------------------------------------------------------------

    def page(self, path: str) -> Result:
        with undone():
            response = self._send("GET", path)
            for _ in range(MAX_REDIRECTS):
                if not 300 <= response.status_code < 400:
                    break
                if response["Location"].startswith(STATIC_URL):
                    # The files of the site are no pages, so tools do not reach them.
                    return Result(404, "not_found")
                response = self._send("GET", response["Location"])
        return result_of(response)

    def action(self, path: str) -> Result:
        with undone():
            response = self._send("POST", path, json.dumps(self.body))
        return result_of(response)

    def _send(self, method: str, path: str, body: str = "") -> HttpResponse:
        accept = {"accept": "text/markdown"}
        response = self.client.generic(method, path, body, "application/json", headers=accept)
        return cast(HttpResponse, response)

    # --- By a tool --------------------------------------------------------------------------

    def fetch_page(self, path: str) -> Result:
        return self._call("fetch_page", {"path": path})[0]

    def execute_action(self, path: str) -> Result:
        page, _, name = path.rpartition(ACTIONS)
        result, facts = self._execute(page or "/", name, "shared")
        if result.code == "visibility_mismatch":
            result, _ = self._execute(page or "/", name, facts["expected"])
        return result

    def _execute(self, page: str, name: str, visibility: str) -> tuple[Result, Any]:
        context = {
            "identity": {"actor": f"@{self.caller.agent or self.caller.handle}"},
            "visibility": visibility,
            "intention": "To compare.",
        }
        sent = {"path": page, "action": name, "params": self.body, "context": context}
        return self._call("execute_action", sent)

    def _call(self, name: str, arguments: Any) -> tuple[Result, Any]:
        params = {"name": name, "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        with undone() as written:
            response = self.client.post("/mcp", message, content_type="application/json")
            is_changed = bool(content(written)) and contents() != self.before
        answer = response.json()
        if "error" in answer:
            code = answer["error"]["data"]["code"]
            return Result(response.status_code, code, is_changed), {}
        facts = answer["result"]["structuredContent"]
        return Result(facts.get("status", 0), facts.get("code", ""), is_changed), facts


@pytest.fixture
def sweep(caller: Caller, world: World, ids: dict[str, str], quiet: None) -> Sweep:
    return Sweep(caller, headers_of(caller, world), ids)


@contextmanager
def undone() -> Iterator[list[str]]:
    """Yield a list for the statements that write content, and roll the block back."""
    place = transaction.savepoint()
    with writes_noted() as written:
        yield written
    transaction.savepoint_rollback(place)


def result_of(response: Any) -> Result:
    refused = getattr(response.wsgi_request, "refused", None)
    code = refused.code if refused is not None and response.status_code >= 300 else ""
    return Result(response.status_code, code)


def paths(ids: dict[str, str]) -> Iterator[tuple[Route, str]]:
    """Yield the routes of pages and of their actions, with their paths."""
    for route in routes():
        if route.urlconf == SITE and not route.is_api:
            yield route, route.path(ids)


def content(written: list[str]) -> list[str]:
    """Return the statements that wrote content; a call of an agent also writes its log."""
    return [sql for sql in written if sql.split('"')[1].startswith(APPS)]


def every(caller: Caller) -> str:
    return caller.name.replace(" ", "_").replace("'s", "")


@pytest.mark.parametrize("caller", TOKENS, ids=every)
def test_tools_answer_as_every_page_and_action_does(sweep: Sweep):
    faults = []
    for route, path in paths(sweep.ids):
        asked = [("read", sweep.page(path), sweep.fetch_page(path))]
        if route.action_name:
            asked.append(("act", sweep.action(path), sweep.execute_action(path)))
        for verb, expected, found in asked:
            is_carried_out = verb == "act" and found.status < 400
            if found != expected or found.is_changed > is_carried_out:
                faults.append(f"{verb} {path}: {found}, not {expected}")

    assert not faults, "\n".join(faults)


def test_the_sweep_executes_every_action_that_is_not_of_rest_alone():
    swept = {route.action_name for route in routes() if not route.is_api and route.action}

    assert set(actions()) - swept == {"delete_user"}
