"""One act on each surface: the page's action, the form's own route, Markdown, and REST.

A rule applies wherever its act exists, so a test states it once and runs on every surface that
has the act.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.fixtures.world import BROWSER, client_of_nobody, client_with, make_token, sign_in

# A browser at the page's action; a browser at the route that older forms and scripts send to; a
# program that reads Markdown; a program that speaks JSON. The last two have a token.
HTML, FORM, MARKDOWN, REST = "html", "form", "markdown", "rest"
BROWSERS = (HTML, FORM)
PARENTS = {"scout": "alice", "pilot": "bob", "steward": "alice"}


def on(*surfaces: str) -> pytest.MarkDecorator:
    """Run a test on these surfaces; its `call` acts there."""
    return pytest.mark.parametrize("surface", surfaces)


@dataclass(frozen=True)
class Route:
    """A method and a path. The braces stand for parts of where the act is done."""

    method: str
    path: str


@dataclass(frozen=True)
class Act:
    """Where an action is performed, by surface; `renamed` are parameters that REST names anew."""

    page: str
    rest: Route | None = None
    form: Route | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)


NOTE = "{base}/api/v1/notes/{id}"
USER = "/api/v1/users/{handle}"
TOKEN = "/api/v1/users/{handle}/tokens/{id}"
PROFILE = {"name": "display_name", "new_handle": "handle"}

ACTS = {
    "create_note": Act(
        "{where}/note", Route("POST", "{where}/api/v1/notes"), Route("POST", "{where}/note")
    ),
    "update_note": Act("{where}/edit", Route("PATCH", NOTE), Route("POST", "{where}/edit")),
    "delete_note": Act("{where}/settings", Route("DELETE", NOTE)),
    "pin_note": Act("{where}/settings", form=Route("PUT", "{where}/pin"), fixed={"pinned": "true"}),
    "unpin_note": Act(
        "{where}/settings", form=Route("PUT", "{where}/pin"), fixed={"pinned": "false"}
    ),
    "restore_note": Act("{where}"),
    "confirm_read": Act("{where}", Route("POST", f"{NOTE}/confirm")),
    "add_comment": Act(
        "{where}", Route("POST", f"{NOTE}/comments"), Route("POST", "{where}/comments")
    ),
    "create_collective": Act(
        "/collectives/new", Route("POST", "/api/v1/collectives"), Route("POST", "/collectives")
    ),
    "update_collective_settings": Act(
        "{where}/settings",
        Route("PATCH", "/api/v1/collectives/{handle}"),
        Route("POST", "{where}/settings"),
    ),
    "update_member_roles": Act("{where}/members"),
    "remove_member": Act("{where}/members"),
    "leave_collective": Act("{where}/members"),
    "add_ai_agent_to_collective": Act(
        "{where}/members", form=Route("POST", "{where}/settings/add_ai_agent")
    ),
    "remove_ai_agent_from_collective": Act(
        "{where}/members", form=Route("DELETE", "{where}/settings/remove_ai_agent")
    ),
    "create_invite": Act("{where}/invite"),
    "revoke_invite": Act("{where}/invite"),
    "join_collective": Act("{where}/join", form=Route("POST", "{where}/join")),
    "create_ai_agent": Act("/ai-agents/new", Route("POST", "/api/v1/users")),
    "update_ai_agent": Act(
        "{where}/settings", Route("PATCH", USER), Route("POST", "{where}/settings"), PROFILE
    ),
    "update_profile": Act(
        "{where}/settings", Route("PATCH", USER), Route("POST", "{where}/settings/profile"), PROFILE
    ),
    "deactivate_ai_agent": Act("{where}/settings", Route("PATCH", USER), fixed={"archived": True}),
    "reactivate_ai_agent": Act("{where}/settings", Route("PATCH", USER), fixed={"archived": False}),
    "stop_ai_agent": Act("{where}/settings"),
    "delete_ai_agent": Act("", Route("DELETE", USER)),
    "update_scratchpad": Act("/whoami"),
    "create_api_token": Act(
        "{where}/settings/tokens/new",
        Route("POST", f"{USER}/tokens"),
        Route("POST", "{where}/settings/tokens"),
    ),
    "rename_api_token": Act("{where}", Route("PATCH", TOKEN)),
    "rotate_api_token": Act("{where}", Route("POST", f"{TOKEN}/rotate")),
    "delete_api_token": Act("{where}", Route("DELETE", TOKEN), Route("POST", "{where}/delete")),
    "update_tenant_settings": Act(
        "/tenant-admin/settings", form=Route("POST", "/tenant-admin/settings")
    ),
    "update_tenant_roles": Act("{where}"),
    "remove_from_tenant": Act("{where}"),
}


@dataclass(frozen=True)
class Answer:
    """The answer to an act on a surface."""

    surface: str
    response: Any

    @property
    def status(self) -> int:
        return int(self.response.status_code)

    @property
    def text(self) -> str:
        text: str = self.response.content.decode()
        return text.replace("\\", "") if self.surface == MARKDOWN else text

    @property
    def excerpt(self) -> str:
        """The beginning of what it says, for the message of a failed assertion."""
        return self.text.partition("<main")[2][:600] or self.text[:600]

    @property
    def json(self) -> Any:
        return self.response.json()

    @property
    def goes_to(self) -> str:
        return str(self.response.headers.get("Location", ""))

    def is_done(self) -> bool:
        """Whether the act was carried out; a redirect to a sign-in or a join page says no."""
        elsewhere = re.search(r"^/(login|reverify)\b|/join$", self.goes_to)
        return self.status in (200, 303) and not elsewhere

    def assert_done(self) -> Answer:
        assert self.is_done(), (self.status, self.goes_to, self.excerpt)
        return self

    def assert_refused(self, status: int = 403, says: str = "") -> Answer:
        assert self.status == status, (self.status, self.goes_to, self.excerpt)
        assert says in self.text, self.excerpt
        return self

    def assert_invalid(self, says: str = "") -> Answer:
        """Refused for what was sent: 400 in REST, 422 on pages."""
        return self.assert_refused(400 if self.surface == REST else 422, says)


class Caller:
    """A person in a browser, or a program with the token of a person or an agent."""

    def __init__(self, surface: str, handle: str, tenant: str = "garden", **token: Any) -> None:
        self.surface = surface
        make = self._browser if surface in BROWSERS else self._program
        self.client = make(handle, tenant, **token)

    @staticmethod
    def _browser(handle: str, tenant: str, **token: Any) -> Client:
        browser = client_of_nobody(tenant)
        sign_in(browser, handle, tenant)
        return browser

    @staticmethod
    def _program(handle: str, tenant: str, **token: Any) -> Client:
        parent = PARENTS.get(handle)
        agent = handle if parent else None
        plaintext = make_token(parent or handle, tenant=tenant, agent=agent, **token)
        return client_with(plaintext, tenant)

    def act(self, name: str, where: str = "", /, **params: Any) -> Answer:
        """Perform an action on what lies at a path: a collective, a note, a user, a token."""
        act = ACTS[name]
        parts = parts_of(where)
        if self.surface == REST:
            assert act.rest, f"REST has no {name}"
            sent = {act.renamed.get(key, key): params[key] for key in params} | act.fixed
            return self._send(act.rest.method, act.rest.path.format(**parts), sent)
        if self.surface == FORM:
            assert act.form, f"no form posts {name} to a route of its own"
            return self._send(act.form.method, act.form.path.format(**parts), params | act.fixed)
        return self._send("POST", f"{act.page.format(**parts)}/actions/{name}", params)

    def get(self, path: str) -> Answer:
        """Read a page, or an address of the REST API."""
        return Answer(self.surface, self.client.get(path, headers=self._headers()))

    def _send(self, method: str, path: str, params: dict[str, Any]) -> Answer:
        if self.surface in BROWSERS and method == "POST":
            body, kind = urlencode(params, doseq=True), "application/x-www-form-urlencoded"
        else:
            body, kind = json.dumps(params), "application/json"
        response = self.client.generic(
            method, path, body, content_type=kind, headers=self._headers()
        )
        return Answer(self.surface, response)

    def _headers(self) -> dict[str, str]:
        if self.surface in BROWSERS:
            return {"accept": BROWSER}
        return {"accept": "text/markdown" if self.surface == MARKDOWN else "application/json"}


def parts_of(where: str) -> dict[str, str]:
    """Take a page's path apart: what REST names in another order."""
    parts = {"where": where, "base": "", "id": "", "handle": ""}
    if note := re.fullmatch(r"(.*)/n/([^/]+)", where):
        parts |= {"base": note.group(1), "id": note.group(2)}
    elif token := re.fullmatch(r"/u/([^/]+)/settings/tokens/([^/]+)", where):
        parts |= {"handle": token.group(1), "id": token.group(2)}
    elif named := re.fullmatch(r"/(?:u|ai-agents|collectives|workspace)/([^/]+)", where):
        parts |= {"handle": named.group(1)}
    return parts
