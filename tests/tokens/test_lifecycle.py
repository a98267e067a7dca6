"""The life of a token: its plaintext is in the response that creates it, and nowhere else."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.access.routes import SITE, ids_of, routes
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tokens import secret
from tokens.models import ApiToken

BASE = "/u/bob/settings/tokens"
MARKDOWN = {"accept": "text/markdown"}
JSON = "application/json"


# --- Places to search -----------------------------------------------------------------------


@pytest.fixture
def log(db: None) -> Iterator[io.StringIO]:
    """All log output, including SQL statements, in the format of the product."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    root, level = logging.getLogger(), logging.getLogger().level
    handler.setFormatter(product_formatter())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    connection.force_debug_cursor = True
    yield lines
    connection.force_debug_cursor = False
    root.setLevel(level)
    root.removeHandler(handler)


def product_formatter() -> logging.Formatter:
    configured = logging.config.DictConfigurator(settings.LOGGING)
    return configured.configure_formatter(dict(settings.LOGGING["formatters"]["line"]))


def stored() -> Iterator[tuple[str, str]]:
    """Yield the contents of each table, and the decoded sessions."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield table, str(cursor.fetchall())
    yield "decoded sessions", str([session.get_decoded() for session in Session.objects.all()])


def tables_with(plaintext: str) -> list[str]:
    """Return the tables that contain the secret part of a plaintext."""
    hidden = plaintext[len(secret.visible_prefix(plaintext)) :]
    return [table for table, rows in stored() if hidden in rows]


# --- Ways to create a token -----------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A new token: its plaintext, the response with it, and its owner."""

    plaintext: str
    answer: Any
    handle: str = "bob"


def bobs_browser() -> Client:
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    return browser


def text_in(answer: Any) -> str:
    """Return the only plaintext in an answer."""
    words = {word.strip("`\"'<>,.") for word in answer.text.replace("<", " <").split()}
    parts = {part for word in words for part in word.replace(">", " ").replace('"', " ").split()}
    found = {part for part in parts if secret.is_well_formed(part)}
    assert len(found) == 1, found
    return str(found.pop())


def by_form() -> Made:
    group = {"api_token[name]": "made by form", "api_token[read_write]": "write"}
    answer = bobs_browser().post(BASE, group)
    return Made(text_in(answer), answer)


def by_our_form() -> Made:
    answer = bobs_browser().post(f"{BASE}/new/actions/create_api_token", {"name": "made by form"})
    return Made(text_in(answer), answer)


def by_action_of_a_session() -> Made:
    path = f"{BASE}/new/actions/create_api_token"
    answer = bobs_browser().post(path, {"name": "made by action"}, headers=MARKDOWN)
    return Made(text_in(answer), answer)


def by_action_of_a_token() -> Made:
    program = token_client(make_token("bob"))
    path = f"{BASE}/new/actions/create_api_token"
    answer = program.post(path, {"name": "made by action", "read_write": "write"})
    return Made(text_in(answer), answer)


def by_action_answered_in_json() -> Made:
    program = token_client(make_token("bob"))
    path = f"{BASE}/new/actions/create_api_token"
    answer = program.post(path, {"name": "x"}, headers={"accept": JSON})
    return Made(answer.json()["token"], answer)


def by_rest() -> Made:
    program = token_client(make_token("bob"))
    scopes = ["read:all", "create:all", "update:all", "delete:all"]
    answer = program.post(
        "/api/v1/users/me/tokens", {"name": "made by REST", "scopes": scopes}, content_type=JSON
    )
    return Made(answer.json()["token"], answer)


def with_a_new_agent() -> Made:
    answer = bobs_browser().post(
        "/ai-agents/new/actions/create_ai_agent", {"name": "Helper", "generate_token": "true"}
    )
    return Made(text_in(answer), answer, "helper")


def with_a_new_agent_over_rest() -> Made:
    program = token_client(make_token("bob"))
    answer = program.post(
        "/api/v1/users", {"name": "Helper", "generate_token": True}, content_type=JSON
    )
    return Made(answer.json()["token"], answer, "helper")


WAYS = pytest.mark.parametrize(
    "make",
    [
        by_form,
        by_our_form,
        by_action_of_a_session,
        by_action_of_a_token,
        by_action_answered_in_json,
        by_rest,
        with_a_new_agent,
        with_a_new_agent_over_rest,
    ],
)


# --- Creation -------------------------------------------------------------------------------


@WAYS
def test_the_answer_with_the_plaintext_is_never_cached(world: World, make: Callable[[], Made]):
    made = make()

    assert secret.is_well_formed(made.plaintext)
    assert made.answer["Cache-Control"] == "no-store"
    assert "ETag" not in made.answer
    assert made.answer.status_code == 200


@WAYS
def test_a_new_token_works_immediately_as_its_owner(world: World, make: Callable[[], Made]):
    made = make()
    program = token_client(made.plaintext)

    assert f"@{made.handle}" in program.get("/whoami").text
    assert program.get("/api/v1").json()["user"]["handle"] == made.handle


@WAYS
def test_only_the_digest_and_the_prefix_are_stored(world: World, make: Callable[[], Made]):
    made = make()

    row = ApiToken.unscoped.get(token_hash=secret.digest(made.plaintext))
    assert row.token_prefix == made.plaintext[:8]
    assert tables_with(made.plaintext) == []


# --- Use ------------------------------------------------------------------------------------


@WAYS
def test_the_plaintext_is_only_in_the_answer_that_created_it(
    world: World, log: io.StringIO, make: Callable[[], Made]
):
    made = make()
    row = ApiToken.unscoped.get(token_hash=secret.digest(made.plaintext))

    repeated = [name for name, text in life_of(made, row) if made.plaintext in text]

    hidden = made.plaintext[8:]
    assert repeated == []
    assert hidden not in log.getvalue()
    assert "token_created" in log.getvalue()
    assert tables_with(made.plaintext) == []


def life_of(made: Made, row: ApiToken) -> Iterator[tuple[str, str]]:
    """Show, rename, use and delete a token; yield each response with a label."""
    page = f"/u/{made.handle}/settings/tokens/{row.id}"
    rest = f"/api/v1/users/{made.handle}/tokens"
    owner, program = bobs_browser(), token_client(made.plaintext)
    manager = token_client(make_token("bob"))

    for path in ("/u/bob/settings", BASE, page, f"/ai-agents/{made.handle}/settings"):
        yield f"page {path}", owner.get(path).text
        yield f"Markdown {path}", owner.get(path, headers=MARKDOWN).text
        yield f"Markdown {path} by itself", program.get(path).text
    for path in ("/api/v1", rest, f"{rest}/{row.id}", f"{rest}/{row.id}?include=full_token"):
        yield f"REST {path}", manager.get(path).text
        yield f"REST {path} by itself", program.get(path).text

    renamed = owner.post(f"{page}/actions/rename_api_token", {"name": "another name"})
    yield "renaming", renamed.text
    yield (
        "renaming over REST",
        manager.patch(f"{rest}/{row.id}", {"name": "a third name"}, content_type=JSON).text,
    )
    yield "a write", program.post("/note/actions/create_note", {"text": "by this token"}).text
    yield "a refusal", program.get("/tenant-admin").text
    yield "an unknown page", program.get("/nowhere").text
    yield "deleting", owner.post(f"{page}/delete", follow=True).text
    yield "a use after the deletion", program.get("/whoami").text
    yield "a use over REST after the deletion", program.get("/api/v1").text


def test_the_list_shows_only_the_prefix(world: World):
    made = by_form()

    shown = bobs_browser().get(BASE).text

    assert f"{made.plaintext[:8]}…" in shown
    assert made.plaintext[:9] not in shown


@pytest.mark.parametrize("kind", ["page", "Markdown", "token"])
def test_no_page_shows_a_plaintext(world: World, kind: str):
    made = by_form()
    client = token_client(made.plaintext) if kind == "token" else bobs_browser()
    headers = MARKDOWN if kind == "Markdown" else {}
    ids = ids_of(world)

    for route in routes():
        if route.urlconf == SITE and not route.action_name and route.place != "room":
            path = route.path(ids)
            assert made.plaintext not in client.get(path, headers=headers).text, path


# --- Misuse ---------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["path", "query", "header", "form", "scheme", "agent"])
def test_a_plaintext_in_the_wrong_place_is_not_logged(world: World, log: io.StringIO, where: str):
    plaintext = make_token("bob")
    browser = bobs_browser()

    sent = {
        "path": lambda: browser.get(f"{BASE}/{plaintext}"),
        "query": lambda: browser.get(f"/nowhere?token={plaintext}"),
        "header": lambda: browser.get("/nowhere", headers={"x-request-id": plaintext}),
        "form": lambda: browser.post(f"{BASE}/new/actions/create_api_token", {"x": plaintext}),
        "scheme": lambda: browser.get("/nowhere", headers={"authorization": f"Token {plaintext}"}),
        "agent": lambda: browser.get("/nowhere", headers={"user-agent": plaintext}),
    }
    response = sent[where]()

    assert plaintext[8:] not in log.getvalue()
    assert plaintext not in response.get("X-Request-Id", "")
    assert tables_with(plaintext) == []


def test_a_server_error_does_not_log_the_plaintext(
    world: World, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    plaintext = make_token("bob")

    def fail(*args: Any) -> None:
        raise RuntimeError(f"while holding {plaintext}")

    monkeypatch.setattr("collectives.queries.own_workspace", fail)
    program = token_client(plaintext, raise_request_exception=False)
    response = program.get("/whoami")

    assert response.status_code == 500
    assert "RuntimeError" in log.getvalue()
    assert plaintext[8:] not in log.getvalue()
    assert plaintext not in response.text
    assert "Traceback" not in response.text


# --- Expiry ---------------------------------------------------------------------------------


def test_a_token_expires_at_its_exact_time(world: World):
    made = by_form()
    row = ApiToken.unscoped.get(token_hash=secret.digest(made.plaintext))
    program = token_client(made.plaintext)

    with time_machine.travel(row.expires_at - timedelta(seconds=1), tick=False):
        assert program.get("/whoami").status_code == 200
    with time_machine.travel(row.expires_at, tick=False):
        assert program.get("/whoami").status_code == 401


def test_an_expired_token_stays_in_the_list_as_expired(world: World):
    make_token("bob", at=timezone.now() - timedelta(days=2), days=1)

    assert ">Expired</span>" in bobs_browser().get(BASE).text
    listed = token_client(make_token("bob")).get("/api/v1/users/me/tokens").json()
    assert sorted(each["active"] for each in listed) == [False, True]
