"""The scopes of a token, which bound what it can do on pages as in REST."""

from __future__ import annotations

import pytest

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import MARKDOWN, REST, Caller, on
from tests.fixtures.world import make_token, token_client

# What a token of one scope can do with notes, besides reading them.
NARROW = {
    "create:notes": {"create_note", "add_comment", "confirm_read"},
    "create:confirmations": {"confirm_read"},
    "create:all": {"create_note", "add_comment", "confirm_read"},
    "update:notes": {"update_note", "pin_note", "unpin_note"},
    "delete:notes": {"delete_note"},
    "update:users": set(),
}
WRITES = {
    "create_note": {"text": "Hello"},
    "add_comment": {"text": "Hello"},
    "confirm_read": {},
    "update_note": {"text": "Hello"},
    "pin_note": {},
    "unpin_note": {},
    "delete_note": {},
}


@pytest.mark.rule("tokens.narrow-scopes")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("scope", NARROW)
def test_a_token_does_what_its_scope_names_and_nothing_else(call, surface, note_path, scope):
    narrow, knife = call("bob", scopes=["read:all", scope]), note_path("Knife care")

    for action, params in WRITES.items():
        if surface == REST and "pin" in action:
            continue
        where = KITCHEN if action == "create_note" else knife
        answer = narrow.act(action, where, **params)
        assert answer.is_done() is (action in NARROW[scope]), (action, answer.status)


@pytest.mark.rule("tokens.narrow-scopes")
@pytest.mark.parametrize("scope", NARROW)
def test_a_token_is_held_to_its_scope_on_the_routes_of_forms_too(world, note_path, scope):
    client = token_client(make_token("bob", scopes=["read:all", scope]))
    knife, json = note_path("Knife care"), "application/json"

    answers = {
        "create_note": client.post(f"{KITCHEN}/note", '{"text": "Hello"}', json),
        "add_comment": client.post(f"{knife}/comments", '{"text": "Hello"}', json),
        "update_note": client.post(f"{knife}/edit", '{"text": "Hello"}', json),
        "pin_note": client.put(f"{knife}/pin", '{"pinned": true}', json),
    }

    for action, answer in answers.items():
        assert (answer.status_code < 400) is (action in NARROW[scope]), (action, answer.content)


@pytest.mark.rule("tokens.narrow-scopes")
@pytest.mark.parametrize(
    ("path", "scope"),
    [
        (f"{KITCHEN}/api/v1/notes", "read:notes"),
        ("/api/v1/users", "read:users"),
        ("/api/v1/users/me/tokens", "read:api_tokens"),
        ("/api/v1/collectives", "read:all"),
    ],
)
def test_a_list_needs_the_scope_of_what_it_lists(path, scope):
    scopes = ["read:notes", "read:users", "read:api_tokens"]
    others = [each for each in scopes if each != scope]

    Caller(REST, "bob", scopes=[scope]).get(path).assert_done()
    Caller(REST, "bob", scopes=others).get(path).assert_refused(403)
