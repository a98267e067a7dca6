"""All refusals that callers meet on the routes of the site, as the callers read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.test import Client

from tests.access.routes import FRONT_DOOR, Route, routes
from tests.access.sweep import BODY, Caller
from tests.blind.reading import Link, read_document
from tests.fixtures.rows import UNKNOWN_ID
from tests.fixtures.world import BROWSER, host

REFUSED = frozenset({401, 403, 404, 409, 410, 422})
HINT = re.compile(r"^## What you can do\n\n(.*?)(?=^> \[|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Request:
    """A request of the sweep."""

    caller: Caller
    method: str
    path: str
    is_api: bool = False
    body: str = ""

    @property
    def is_browser(self) -> bool:
        return self.caller.by == "session"

    def sent(self, headers: dict[str, str], accept: str = "") -> Any:
        kind = BROWSER if self.is_browser else "text/markdown"
        accept = accept or ("application/json" if self.is_api else kind)
        sent = {**headers, "host": host("garden"), "accept": accept}
        client = Client(raise_request_exception=False)
        return client.generic(self.method, self.path, self.body, "application/json", headers=sent)


@dataclass(frozen=True)
class Refusal:
    """A refusal: the caller, the request, and the instructions in the response."""

    request: Request
    status: int
    code: str
    hint: str
    links: tuple[Link, ...] = ()
    # Where a browser is redirected instead, and its page.
    location: str = ""
    page: str = ""

    @property
    def who(self) -> str:
        return self.request.caller.agent or self.request.caller.handle

    def __str__(self) -> str:
        request = self.request
        return f"{request.caller.name}: {request.method} {request.path} → {self.status} {self.hint}"


def refusals(
    caller: Caller,
    headers: dict[str, str],
    ids: dict[str, str],
    among: Iterable[Route] | None = None,
) -> Iterator[Refusal]:
    """Send all requests of a caller, each rolled back, and return the refusals with a hint."""
    body = json.dumps({**BODY, "ai_agent_id": ids["user_id"]})
    unnamed = dict.fromkeys(re.findall(r"<str:(\w+)>", " ".join(r.pattern for r in routes())))
    ids = {**dict.fromkeys(unnamed, UNKNOWN_ID), **ids}
    for route in among or routes():
        if caller.by == "session" and route.is_api:
            continue  # a session does nothing there
        if route.urlconf == FRONT_DOOR or is_repeated(route) or is_hidden(route, caller):
            continue
        for method in methods_of(route):
            request = Request(
                caller, method, route.path(ids), route.is_api, "" if method == "GET" else body
            )
            place = transaction.savepoint()
            response = request.sent(headers)
            # The sentences of a page are those of the Markdown that the same browser gets.
            is_page = request.is_browser and response.status_code in REFUSED
            told = request.sent(headers, "text/markdown") if is_page else response
            transaction.savepoint_rollback(place)
            yield from read_refusal(request, told, response.text if is_page else "")


def is_repeated(route: Route) -> bool:
    """Return whether another route has the same refusals: that of the page, or of an action."""
    return route.action_name == "unknown_action" or route.pattern.endswith("/actions")


def is_hidden(route: Route, caller: Caller) -> bool:
    """Return whether the caller gets the 404 of an unknown workspace, which says nothing."""
    return route.place == "room" and "room" not in caller.places


def methods_of(route: Route) -> tuple[str, ...]:
    if route.is_api:
        return ("GET", "POST", "PATCH", "DELETE")
    return ("POST",) if route.action is not None else ("GET",)


def read_refusal(request: Request, response: Any, page: str = "") -> Iterator[Refusal]:
    status = response.status_code
    if status == 302:
        yield Refusal(request, status, "", "", location=response["Location"])
    if status not in REFUSED:
        return
    text = response.content.decode()
    if response["Content-Type"].startswith("text/markdown"):
        seen = read_document(status, text)
        found = HINT.search(seen.body)
        hint = found.group(1) if found else ""
        sentence, _, _ = hint.partition("\n\n* [")
        links = tuple(link for link in seen.links if link.line in hint and link.line[:2] == "* ")
        plain = sentence.replace("\\", "").strip()
        code = seen.fields.get("code", "")
        yield Refusal(request, status, code, plain, links, page=page)
    elif "json" in response["Content-Type"]:
        told = json.loads(text)
        yield Refusal(request, status, told.get("code", ""), told.get("hint", ""))
