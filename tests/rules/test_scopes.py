"""The scopes of a token, which limit it on pages and over REST."""

from __future__ import annotations

import pytest

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import MARKDOWN, REST, Caller, on
from tests.fixtures.world import make_token, token_client

# Actions on notes that a token with a single scope can perform, besides reading.
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
def test_a_token_can_do_only_what_its_scope_allows(call, surface, note_path, scope):
    narrow, knife = call("bob", scopes=["read:all", scope]), note_path("Knife care")

    for action, params in WRITES.items():
        if surface == REST and "pin" in action:
            continue
        where = KITCHEN if action == "create_note" else knife
        answer = narrow.act(action, where, **params)
        assert answer.is_done() is (action in NARROW[scope]), (action, answer.status)


@pytest.mark.rule("tokens.narrow-scopes")
@pytest.mark.parametrize("scope", NARROW)
def test_scopes_apply_to_form_routes(world, note_path, scope):
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
def test_a_list_requires_the_scope_of_its_items(path, scope):
    scopes = ["read:notes", "read:users", "read:api_tokens"]
    others = [each for each in scopes if each != scope]

    Caller(REST, "bob", scopes=[scope]).get(path).assert_done()
    Caller(REST, "bob", scopes=others).get(path).assert_refused(403)
