"""The callers of the refusal matrix, for each of its three surfaces."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from collectives.models import Collective
from collectives.notes.models import Note
from collectives.rules.members import add_member
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import (
    BROWSER,
    World,
    anonymous_client,
    make_token,
    sign_in,
)
from tokens import rules, secret
from tokens.models import ApiToken

NOTES = {
    "welcome": "Welcome to the kitchen",
    "knife": "Knife care",
    "treasury_note": "Treasury basics",
    "board_note": "Board minutes",
    "open_note": "The garden opens at eight",
    "workshop_note": "Workshop safety",
    "camp_note": "Base camp checklist",
}
REST, MARKDOWN, HTML = "rest", "markdown", "html"


@dataclass
class Stage:
    """Bob of the garden, with a read + write token and a signed-in browser.

    A row's situation changes what is not so.
    """

    world: World
    settings: Any = None
    tenant: str = "garden"
    authorization: str | None = None
    browser: Client = field(default_factory=Client)
    # Values for the placeholders in paths and parameters of rows.
    names: dict[str, Any] = field(default_factory=dict)

    def bearer(self, handle: str, **token: Any) -> str:
        """Give the program a new token of a member, and return the plaintext."""
        plaintext = make_token(handle, tenant=self.tenant, **token)
        self.authorization = f"Bearer {plaintext}"
        self.names["token_id"] = str(self.row_of(plaintext).id)
        return plaintext

    def session(self, handle: str | None, **when: Any) -> None:
        """Sign the browser in as a member."""
        self.browser = anonymous_client(self.tenant)
        if handle:
            sign_in(self.browser, handle, self.tenant, **when)

    def both(self, handle: str, tenant: str = "garden", **token: Any) -> None:
        self.tenant = tenant
        self.bearer(handle, **token)
        self.session(handle)

    def row_of(self, plaintext: str) -> ApiToken:
        return ApiToken.unscoped.get(token_hash=secret.digest(plaintext))

    def internal_token(self) -> str:
        """Return the plaintext of an internal token."""
        access = access_as(self.tenant, "alice", now=timezone.now())
        with tenant_bound(access.tenant.id):
            made = rules.create_internal_token(
                access, self.world.person("steward"), context="a run"
            )
        self.names["internal_id"] = str(made.row.id)
        return made.plaintext

    def fill_up(self, owner: str, count: int = ApiToken.MAX_ACTIVE) -> None:
        """Give a member the maximum number of active tokens."""
        person = self.world.person(owner)
        now = timezone.now()
        with tenant_bound(person.tenant_id):
            active = ApiToken.objects.filter(owner=person).active(now).count()
            ApiToken.objects.bulk_create(
                ApiToken(
                    tenant_id=person.tenant_id,
                    owner=person,
                    name=f"number {number}",
                    token_hash=secret.digest(f"number {number} of {owner}"),
                    token_prefix="hmn_test",
                    scopes=["read:all"],
                    expires_at=now + timedelta(days=9),
                    created_at=now,
                    updated_at=now,
                )
                for number in range(count - active)
            )


def stage_of(world: World, settings: Any) -> Stage:
    notes = {
        name: Note.unscoped.values_list("truncated_id", flat=True).get(title=title)
        for name, title in NOTES.items()
    }
    people = {
        f"{handle}_id": str(world.user(handle).id)
        for handle in ("alice", "bob", "carol", "dave", "scout", "pilot", "steward")
    }
    names = {**notes, **people, "alice_room": world.workspace("alice").handle}
    stage = Stage(world, settings, names=names)
    stage.both("bob")
    return stage


def make_chat(world: World) -> Collective:
    """Return a new chat of Alice and Carol."""
    now = timezone.now()
    tenant = world.tenant()
    with tenant_bound(tenant.id):
        chat = Collective.objects.create(
            tenant=tenant,
            name="Alice and Carol",
            handle="chat-of-two",
            kind="chat",
            is_api_enabled=True,
            created_at=now,
            updated_at=now,
        )
        for handle in ("alice", "carol"):
            add_member(chat, world.person(handle), now=now)
    return chat


# --- One request of a row -------------------------------------------------------------------

Situation = Callable[[Stage], None]
Check = Callable[[HttpResponse, Stage], None]


@dataclass(frozen=True)
class Ask:
    """A request on one surface, and its expected response.

    `says` is the sentence: in REST the whole of `error`, unless it ends with an ellipsis;
    elsewhere a part of the body. `redirects_to` is the place that a redirect names. `sends` names
    what replaces the column's own credentials.
    """

    column: str
    request: str
    status: int
    says: str = ""
    redirects_to: str = ""
    sends: str = ""
    json: Any = None
    form: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    check: Check | None = None
    may_write: bool = False

    def __str__(self) -> str:
        return f"{self.column} {self.request}"


def rest(request: str, status: int, says: str = "", **more: Any) -> Ask:
    return Ask(REST, request, status, says, **more)


def markdown(request: str, status: int, says: str = "", **more: Any) -> Ask:
    return Ask(MARKDOWN, request, status, says, **more)


def page(request: str, status: int, says: str = "", **more: Any) -> Ask:
    return Ask(HTML, request, status, says, **more)


def send(ask: Ask, stage: Stage) -> HttpResponse:
    method, path = filled(ask.request, stage).split(" ", 1)
    with_token, with_session = credentials(ask)
    client = stage.browser if with_session else anonymous_client(stage.tenant)
    headers = {**formats(ask), **ask.headers}
    headers["host"] = f"{stage.tenant}.localhost"
    if with_token and stage.authorization is not None:
        headers["authorization"] = stage.authorization
    response = client.generic(method, path, *body_of(ask, stage), headers=headers)
    return cast(HttpResponse, response)


def credentials(ask: Ask) -> tuple[bool, bool]:
    """Return whether the request has the token, and whether it has the session."""
    sent = ask.sends or ("session" if ask.column == HTML else "token")
    return sent in {"token", "both"}, sent in {"session", "both"}


def formats(ask: Ask) -> dict[str, str]:
    if ask.column == HTML:
        return {"accept": BROWSER}
    return {"accept": "text/markdown"} if ask.column == MARKDOWN else {"accept": "*/*"}


def body_of(ask: Ask, stage: Stage) -> tuple[str, str]:
    """Return the body and its type; a string is sent unchanged, as an unreadable body."""
    if ask.form is not None:
        pairs = [(key, filled(str(value), stage)) for key, value in ask.form.items()]
        return urlencode(pairs), "application/x-www-form-urlencoded"
    if isinstance(ask.json, str):
        return ask.json, "application/json"
    if ask.json is not None:
        return filled(json.dumps(ask.json), stage), "application/json"
    return "", ""


def filled(text: str, stage: Stage) -> str:
    """Replace `{name}` in a text by values of the demo world; keep other braces."""
    return re.sub(
        r"\{(\w+)\}", lambda match: str(stage.names.get(match.group(1), match.group(0))), text
    )


def said(response: HttpResponse, column: str) -> str:
    """Return the text of a response with entities and escapes resolved."""
    text = response.content.decode()
    if column == HTML:
        return html.unescape(text)
    return text.replace("\\", "") if column == MARKDOWN else text
