"""Names, titles and texts that show nothing are blank, on every surface."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from collectives.models import Collective
from collectives.notes.models import Note
from tests.fixtures.world import anonymous_client, make_token, sign_in, token_client

pytestmark = pytest.mark.django_db

INVISIBLE = ("\u200b", "\u2800", "\u3164", "\u00ad", "\u200b\u2060 \ufeff")
TOKENS = "/u/alice/settings/tokens/new/actions/create_api_token"
# A path, the parameter that must show something, and the others.
CREATES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("/collectives/new/actions/create_collective", "name", {"handle": "pantry"}),
    ("/ai-agents/new/actions/create_ai_agent", "name", {}),
    (TOKENS, "name", {}),
    ("/collectives/kitchen/note/actions/create_note", "text", {}),
)
RESTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("post", "/api/v1/collectives", "name", {"handle": "pantry"}),
    ("patch", "/api/v1/collectives/kitchen", "name", {}),
    ("post", "/api/v1/users", "name", {}),
    ("post", "/api/v1/users/me/tokens", "name", {"scopes": ["read:all"]}),
    ("post", "/collectives/kitchen/api/v1/notes", "text", {}),
)


@pytest.fixture
def alice() -> Client:
    browser = anonymous_client()
    sign_in(browser, "alice", "garden")
    return browser


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(("path", "param", "others"), CREATES)
def test_pages_refuse_a_name_that_shows_nothing(
    alice: Client, path: str, param: str, others: dict[str, Any], invisible: str
) -> None:
    refused = alice.post(path, {**others, param: invisible})

    assert refused.status_code == 422
    assert "Is required" in refused.text
    assert alice.post(path, {**others, param: f"{invisible}Pantry"}).status_code in {200, 303}


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(("path", "param", "others"), CREATES)
def test_markdown_refuses_a_name_that_shows_nothing(
    path: str, param: str, others: dict[str, Any], invisible: str
) -> None:
    alice = token_client(make_token("alice"))
    sent = {**others, param: invisible}
    refused = alice.post(path, json.dumps(sent), content_type="application/json")

    # Tokens and agents are made by people in a browser, or through REST.
    assert refused.status_code in {403, 422}
    if refused.status_code == 422:
        assert f"{param} is required" in refused.text


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
@pytest.mark.parametrize(("method", "path", "param", "others"), RESTS)
def test_rest_refuses_a_name_that_shows_nothing(
    method: str, path: str, param: str, others: dict[str, Any], invisible: str
) -> None:
    alice = token_client(make_token("alice"))
    sent = json.dumps({**others, param: invisible})
    refused = getattr(alice, method)(path, sent, content_type="application/json")

    assert refused.status_code == 400
    assert refused.json()["fields"][param] == [f"{param.capitalize()} can't be blank"]


def test_an_invisible_title_is_no_title(alice: Client) -> None:
    alice.post(
        "/collectives/kitchen/note/actions/create_note", {"title": "\u200b", "text": "Shopping"}
    )

    note = Note.unscoped.get(text="Shopping")
    assert (note.title, note.shown_title) == ("", "Shopping")


def test_an_update_keeps_what_an_invisible_text_would_hide(note_path: Any) -> None:
    alice = token_client(make_token("alice"))
    action = f"{note_path('Welcome to the kitchen')}/edit/actions/update_note"
    sent = json.dumps({"title": "\u2800", "text": "\u200b\n\u3164"})

    alice.post(action, sent, content_type="application/json")

    note = Note.unscoped.get(title="Welcome to the kitchen")
    assert note.text.strip("\u200b\n\u3164")
    assert Collective.unscoped.get(handle="kitchen").name
