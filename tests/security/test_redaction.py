"""No response repeats a token; only the one that creates it shows it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as configured
from django.db import transaction
from django.test import Client

from accounts.models import SecurityEvent
from api.http.paging import PageParams
from api.v1 import users
from api.v1.notes import lists as note_lists
from api.v1.tokens import resource as tokens
from collectives.notes.models import Note
from harmonic.kernel.registry import actions as registered_actions
from tests.access.routes import FRONT_DOOR, Route, ids_of, routes
from tests.fixtures.world import BROWSER, World, anonymous_client, host, make_token, sign_in
from tokens import secret

pytestmark = pytest.mark.django_db

SENT = secret.new()
CORE = SENT.removeprefix(secret.PREFIX)
KITCHEN = "/collectives/kitchen"
FORMATS = {"html": BROWSER, "markdown": "text/markdown", "json": "application/json"}
# Query parameters of pages, besides those of the API's lists.
OF_PAGES = (
    "q cursor page show whose event who token handle code user_handle ai_agent_id full_text"
    " comment_id redirect_to_resource scope then fields sections theme".split()
)
HEADERS = {
    **dict.fromkeys("accept-language if-none-match if-modified-since origin prefer".split(), SENT),
    **dict.fromkeys("idempotency-key x-request-id x-forwarded-for x-csrf-token".split(), SENT),
    "x-representing-user": SENT,
    "user-agent": f"{SENT}/1.0",
    "referer": f"http://garden.localhost/?q={SENT}",
}


def parameters() -> list[str]:
    """Return the names of all parameters of lists, pages and actions."""
    lists = [
        kind
        for module in (note_lists, tokens, users)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, PageParams)
    ]
    actions = [action.params for action in registered_actions().values()]
    fields = {str(name) for kind in (*lists, *actions) if kind for name in kind().fields}
    return sorted({*fields, *OF_PAGES, "subtype[]", "scopes[]", "include", "unheard_of"})


class Asking:
    """A caller that sends a token in every part of its requests."""

    def __init__(self, form: str, by: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"accept": FORMATS[form]}
        self.cookies = {"theme": SENT, "other": SENT}
        self.faults: list[str] = []
        if by == "token":
            self.headers["authorization"] = f"Bearer {make_token('alice')}"
        elif by == "session":
            browser = anonymous_client()
            sign_in(browser, "alice", "garden")
            name = configured.SESSION_COOKIE_NAME
            self.cookies[name] = browser.cookies[name].value
        elif by == "unknown token":
            self.headers["authorization"] = f"Bearer {SENT}"

    def ask(self, route: Route, method: str, path: str, body: Any = "", **headers: str) -> None:
        kind = headers.pop("content_type", "application/json")
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        at = {"host": host("" if route.urlconf == FRONT_DOOR else "garden"), "cookie": cookie}
        place = transaction.savepoint()
        response = self.client.generic(
            method, path, body, kind, headers={**self.headers, **at, **headers}
        )
        transaction.savepoint_rollback(place)
        shown = [response.text, *response.headers.values(), response.cookies.output()]
        if any(CORE in each for each in shown):
            self.faults.append(f"{method} {path[:120]}: {response.status_code}")
        if response.status_code >= 500:
            self.faults.append(f"{method} {path[:120]}: {response.status_code}, a fault")


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    make_token("bob")
    return ids_of(world)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Disable logging during thousands of refusals."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


EVERY_CALLER = pytest.mark.parametrize(
    ("form", "by"),
    [
        ("html", "session"),
        ("markdown", "token"),
        ("json", "token"),
        ("html", ""),
        ("markdown", ""),
        ("json", "unknown token"),
    ],
)


@pytest.mark.one_database
@EVERY_CALLER
def test_no_response_repeats_a_token_from_the_url(
    ids: dict[str, str], quiet: None, form: str, by: str
) -> None:
    asking = Asking(form, by)
    query = urlencode([(name, SENT) for name in parameters()])

    for route in routes():
        path = route.path(ids)
        below = path.rstrip("/")
        asking.ask(route, "GET", f"{path}?{query}", **HEADERS)
        asking.ask(route, "GET", f"{path}?{SENT}={SENT}")
        if route.action is not None:
            continue
        asking.ask(route, "GET", f"{below}/{SENT}")
        asking.ask(route, "GET", f"{below}/{SENT}.md")
        asking.ask(route, "GET", f"{below}/actions/{SENT}")
        asking.ask(route, "POST", f"{below}/actions/{SENT}", "{}")
        asking.ask(route, "GET", f"{below.rpartition('/')[0]}/{SENT}")

    assert asking.faults == []


@pytest.mark.one_database
@EVERY_CALLER
def test_no_response_repeats_a_token_from_the_body(
    ids: dict[str, str], quiet: None, form: str, by: str
) -> None:
    asking = Asking(form, by)
    names = parameters()
    as_form = urlencode([(name, SENT) for name in [*names, SENT]])
    as_json = json.dumps(dict.fromkeys([*names, SENT], SENT))
    as_lists = json.dumps({name: [SENT, {SENT: SENT}] for name in [*names, SENT]})

    for route in routes():
        path = route.path(ids)
        kind = "application/x-www-form-urlencoded"
        asking.ask(route, "POST", path, as_form, content_type=kind)
        asking.ask(route, "POST", path, as_json)
        asking.ask(route, "POST", path, as_lists)
        asking.ask(route, "POST", path, "{}", content_type=SENT)
        for method in ("PUT", "PATCH", "DELETE"):
            asking.ask(route, method, path, as_json, **{"if-match": f'"{SENT}"'})

    assert asking.faults == []


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["notes", "users", "users/me/tokens", "collectives"])
def test_a_list_repeats_no_token_from_its_parameters(api: Any, path: str, quiet: None) -> None:
    alice = api("alice")

    for name in [*parameters(), "filters"]:
        for value in (SENT, f"mine,{SENT}", f"created_at>{SENT}"):
            answer = alice.get(f"/api/v1/{path}", {name: value, "limit": 1})
            assert CORE not in answer.text + str(answer.headers), (name, value)


# --- What is not cut ------------------------------------------------------------------------


def test_creating_a_token_shows_that_token_only(page: Any, api: Any) -> None:
    form = {"name": f"for {SENT}", "read_write": "read", "duration": "1", "duration_unit": "days"}
    action = "/u/alice/settings/tokens/new/actions/create_api_token"
    body = json.dumps({"name": f"for {SENT}", "scopes": ["read:all"]})
    path = "/api/v1/users/me/tokens"

    answers = [
        page("alice").post(action, form),
        page("alice").post(action, form, headers={"accept": "text/markdown"}),
        page("alice").post(action, form, headers={"accept": "application/json"}),
        api("alice").post(path, body, "application/json"),
    ]

    for answer in answers:
        shown = set(secret_words(answer.text))
        assert len(shown) == 1, answer.text
        assert secret.is_well_formed(shown.pop())
        assert CORE not in answer.text


def secret_words(text: str) -> list[str]:
    cut = text.replace("\\_", "_").split(secret.PREFIX)[1:]
    words = [secret.PREFIX + part[: secret.LENGTH - len(secret.PREFIX)] for part in cut]
    return [word for word in words if secret.is_well_formed(word)]


def test_words_that_resemble_a_token_are_kept(api: Any) -> None:
    text = "hmn_ and hmn_abcd********* and hmn_exampleexampleexample and 100% hmn"

    answer = api("alice").post("/api/v1/notes", json.dumps({"text": text}), "application/json")

    assert answer.json()["text"] == text


@pytest.mark.parametrize("accept", FORMATS.values(), ids=FORMATS)
def test_a_token_in_a_note_is_hidden_from_readers(page: Any, world: World, accept: str) -> None:
    note = world.note("Knife care")
    Note.unscoped.filter(id=note.id).update(text=f"Use `{SENT}` or {SENT}.")
    path = f"{KITCHEN}/n/{note.truncated_id}"
    if accept == FORMATS["json"]:
        path = f"{KITCHEN}/api/v1/notes/{note.id}"
        reader = Client(
            headers={"host": host("garden"), "authorization": f"Bearer {make_token('bob')}"}
        )
    else:
        reader = page("bob")

    answer = reader.get(path, headers={"accept": accept})

    assert answer.status_code == 200
    assert CORE not in answer.text
    assert "[filtered]" in answer.text.replace("\\", "")


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_token_in_a_collectives_name_is_not_logged(page: Any, suffix: str) -> None:
    alice = page("alice")
    made = alice.post(
        "/collectives/new/actions/create_collective", {"name": f"Team {SENT}", "handle": "team"}
    )

    shown = alice.get(f"/settings/security{suffix}", follow=True)

    assert made.status_code == 303
    assert "Team hmn_[filtered]" in shown.text.replace("\\", "")
    assert CORE not in shown.text


# --- Where it is cut ------------------------------------------------------------------------


def test_redacted_urls_stay_valid(anonymous: Any) -> None:
    answer = anonymous().get(f"/nope/{SENT}")
    asked = anonymous().get("/settings", {"q": SENT})

    link = '</nope/hmn_%5Bfiltered%5D.md>; rel="alternate"; type="text/markdown"'
    assert answer["Link"].startswith(link)
    assert asked["Location"] == "/login?redirect_to_resource=%2Fsettings%3Fq%3Dhmn_%5Bfiltered%5D"


@pytest.mark.parametrize("underscore", ["_", "%5F", "%5f", "%255F"])
def test_the_redirect_to_sign_in_repeats_no_token(anonymous: Any, underscore: str) -> None:
    browser = anonymous()

    asked = browser.get(f"/settings?q=hmn{underscore}{CORE}")
    form = browser.get(asked["Location"])
    typed = browser.post("/login", {"email": f"hmn_{CORE}", "password": "x" * 14})

    assert asked.status_code == 302
    for answer in (asked, form, typed):
        assert CORE not in answer.text + str(answer.headers)


def test_the_redirect_to_https_repeats_no_token(anonymous: Any, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    answer = anonymous().get(f"/whoami?q={SENT}")

    assert answer.status_code == 301
    assert CORE not in answer["Location"]


def test_a_request_id_containing_a_token_is_replaced(page: Any) -> None:
    sent = f"trace-{SENT}"

    answer = page("alice").get("/tenant-admin/settings", headers={"x-request-id": sent})
    denied = page("bob").post("/tenant-admin/settings", headers={"x-request-id": sent})

    assert CORE not in answer["X-Request-Id"] + denied["X-Request-Id"]
    assert not SecurityEvent.unscoped.filter(request_id__contains=CORE).exists()
