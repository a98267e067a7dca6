"""Errors: the order of checks, methods, bodies, headers."""

from __future__ import annotations

import json

import pytest

from collectives.notes.models import Note
from tests.fixtures.rows import change
from tests.fixtures.world import anonymous_client, token_client
from tests.rest.conftest import BASE, KITCHEN, Program, error_of

NOTES = f"{KITCHEN}/notes"
PATHS = [
    BASE,
    KITCHEN,
    f"{BASE}/notes",
    f"{NOTES}/00000000",
    f"{NOTES}/00000000/confirm",
    f"{NOTES}/00000000/comments",
    f"{BASE}/users",
    f"{BASE}/users/me",
    f"{BASE}/users/me/tokens",
    f"{BASE}/users/me/tokens/1",
    f"{BASE}/collectives",
    f"{BASE}/collectives/kitchen",
    f"{BASE}/collectives/kitchen/members",
]
METHODS = ["get", "post", "put", "patch", "delete"]

# --- Who comes in ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", [*METHODS, "head"])
def test_requests_without_a_token_are_401(db, path, method):
    response = getattr(anonymous_client(), method)(path)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="Harmonic"'
    if method != "head":
        assert error_of(response, 401) == "Unauthorized"


@pytest.mark.parametrize("path", [BASE, NOTES, "/collectives/board/api/v1/notes"])
def test_session_does_not_authenticate_reads(page, path):
    assert error_of(page("alice").get(path), 401) == "Unauthorized"


def test_session_does_not_authenticate_writes(page):
    before = Note.unscoped.count()
    response = page("alice").post(NOTES, {"text": "x"}, content_type="application/json")

    assert error_of(response, 401) == "Unauthorized"
    assert Note.unscoped.count() == before


def test_bad_token_is_401_despite_a_session(page):
    browser = page("alice")

    response = browser.get(BASE, headers={"authorization": "Bearer nonsense"})

    assert error_of(response, 401) == "Unauthorized"
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("handle", "tenant", "path", "status", "sentence"),
    [
        ("alice", "harbor", BASE, 403, "API not enabled for this tenant"),
        ("dave", "harbor", "/collectives/workshop/api/v1/notes", 403, None),
        ("carol", "garden", NOTES, 403, "You are not a member of this collective"),
        ("alice", "garden", "/collectives/nonsense/api/v1", 404, "Not found"),
        ("alice", "garden", "/collectives/basecamp/api/v1", 404, "Not found"),
        (
            "alice",
            "garden",
            "/collectives/treasury/api/v1",
            403,
            "API not enabled for this collective",
        ),
    ],
)
def test_non_members_are_refused_at_a_base(rest, handle, tenant, path, status, sentence):
    expected = sentence or "API not enabled for this tenant"

    assert error_of(rest(handle, tenant=tenant).get(path), status) == expected


def test_workspaces_of_others_look_like_unknown_ones(bob, world):
    closed = bob.get(f"/workspace/{world.workspace('alice').handle}/api/v1/notes")
    unknown = bob.get("/workspace/nonsense/api/v1/notes")

    assert error_of(closed, 404) == error_of(unknown, 404) == "Not found"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_read_only_token_cannot_write(rest, note_id, method):
    program = rest("bob", scope="read")
    path = NOTES if method == "post" else f"{NOTES}/{note_id('Knife care')}"

    response = getattr(program, method)(path)

    assert error_of(response, 403) == "You do not have permission to perform that action"
    assert response.json()["code"] == "insufficient_scope"


# --- The order of refusals ------------------------------------------------------------------


def test_scope_is_checked_before_capability(rest):
    program = rest("alice", agent="scout", scope="read")

    assert "permission" in error_of(program.post(f"{BASE}/users", {}), 403)


def test_capability_is_checked_before_the_object(scout, world):
    change(world.agent("scout"), capability_names=[])
    asked = {
        "update_note": scout.put(f"{NOTES}/00000000", {}),
        "delete_note": scout.delete(f"{NOTES}/00000000"),
        "confirm_read": scout.post(f"{NOTES}/00000000/confirm"),
        "add_comment": scout.post(f"{NOTES}/00000000/comments", {}),
        "create_note": scout.post(NOTES, {}),
    }

    for name, response in asked.items():
        assert error_of(response, 403) == f"Your capabilities do not include '{name}'"
        assert response.json()["code"] == "capability_denied"


def test_object_and_permission_are_checked_before_the_body(alice, note_id):
    def broken(path):
        return alice.client.put(path, "{", content_type="application/json")

    assert broken(f"{NOTES}/00000000").status_code == 404
    assert broken(f"{NOTES}/{note_id('Knife care')}").status_code == 403
    assert broken(f"{NOTES}/{note_id('Welcome to the kitchen')}").status_code == 400


def test_agent_without_public_posts_writes_elsewhere(scout, world):
    change(world.agent("scout"), may_write_publicly=False)

    assert scout.post(f"{BASE}/notes", {"text": "x"}).status_code == 403
    assert scout.post(NOTES, {"text": "x"}).status_code == 200


# --- Methods --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("post", BASE, "GET, HEAD, OPTIONS"),
        ("put", NOTES, "GET, HEAD, OPTIONS, POST"),
        ("post", f"{NOTES}/00000000", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("get", f"{NOTES}/00000000/confirm", "OPTIONS, POST"),
        ("delete", f"{BASE}/collectives/kitchen/members", "GET, HEAD, OPTIONS"),
        ("delete", f"{BASE}/users/me/tokens", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_unsupported_method_is_405_with_allow(alice, method, path, allowed):
    response = getattr(alice, method)(path)

    error_of(response, 405)
    assert response.json()["code"] == "method_not_allowed"
    assert response["Allow"] == allowed


@pytest.mark.parametrize("client", ["alice's", "nobody's"])
@pytest.mark.parametrize("path", PATHS)
def test_options_needs_no_token(api, client, path):
    asked = api("alice") if client == "alice's" else anonymous_client()
    response = asked.options(path)

    assert (response.status_code, response.content) == (204, b"")
    assert "OPTIONS" in response["Allow"]


@pytest.mark.parametrize("path", [BASE, NOTES, f"{BASE}/users/me"])
def test_head_is_get_without_a_body(alice, path):
    whole, head = alice.get(path), alice.client.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Type"] == whole["Content-Type"]


@pytest.mark.parametrize("path", [f"{BASE}/nonsense", f"{NOTES}/1/2/3", "/api/v2", "/api"])
def test_unknown_path_is_404_in_json(alice, path):
    assert error_of(alice.get(path), 404) == "Not found"


@pytest.mark.parametrize("path", ["notes.json", "notes/", "/notes", "notes//"])
def test_path_spellings_are_equivalent(alice, path):
    assert alice.get(f"{KITCHEN}/{path}").json() == alice.get(NOTES).json()


# --- Bodies ---------------------------------------------------------------------------------

BODIES = [
    "{",
    "[]",
    '"text"',
    "null",
    "12",
    '{"text": NaN}',
    '{"text": Infinity}',
    "\xff\xfe\x00",
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"text": ' + "9" * 5000 + "}",
    "\x00",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_body_must_be_a_json_object(alice, body):
    raw = body.encode("latin-1")
    response = alice.client.post(NOTES, raw, content_type="application/json")

    error_of(response, 400)
    assert response.json()["code"] == "invalid"


VALUES: list[object] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "\x00",
    "\ud800",
    "\ufdd0",
    [],
    [[]],
    {},
    {"a": {}},
]
WRITES = [
    ("post", NOTES, "title text subtype edit_access note commentable_type commentable_id"),
    ("put", f"{NOTES}/{{note}}", "title text deadline edit_access note"),
    ("post", f"{NOTES}/{{note}}/comments", "text title replying_to note"),
    ("post", f"{BASE}/users", "name handle mode model identity_prompt capabilities generate_token"),
    ("put", f"{BASE}/users/me", "display_name handle archived"),
    ("post", f"{BASE}/users/me/tokens", "name scopes expires_at"),
    ("put", f"{BASE}/users/me/tokens/{{token}}", "name"),
    ("post", f"{BASE}/collectives", "name handle description timezone tempo invitations"),
    ("put", f"{BASE}/collectives/kitchen", "name handle description timezone force_update"),
]


@pytest.mark.parametrize(
    ("method", "path", "names"), WRITES, ids=[f"{w[0]} {w[1]}" for w in WRITES]
)
def test_no_value_causes_a_500(alice, note_id, method, path, names):
    token = alice.get(BASE).json()["token"]["id"]
    where = path.format(note=note_id("Welcome to the kitchen"), token=token)
    sound = {"text": "x", "name": "x", "handle": "x-x", "scopes": ["read:all"]}
    for name in names.split():
        for value in VALUES:
            body = json.dumps({**sound, name: value})
            response = getattr(alice.client, method)(where, body, content_type="application/json")
            assert response.status_code < 500, (name, value, response.content)
            if response.status_code >= 400:
                error_of(response, response.status_code)


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-yaml", ""])
@pytest.mark.parametrize("method", ["post", "put"])
def test_another_media_type_is_refused(alice, note_id, media_type, method):
    path = NOTES if method == "post" else f"{NOTES}/{note_id('Welcome to the kitchen')}"
    response = getattr(alice.client, method)(path, "text: x", content_type=media_type)

    error_of(response, 415)
    assert response.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("method", ["post", "put"])
def test_a_broken_form_is_refused(alice, note_id, method):
    path = NOTES if method == "post" else f"{NOTES}/{note_id('Welcome to the kitchen')}"
    response = getattr(alice.client, method)(
        path, "--x\r\nnonsense", content_type="multipart/form-data; boundary="
    )

    error_of(response, 400)


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.meets("body of a request")
def test_body_over_the_limit_is_413(alice, note_id, media_type):
    path = f"{NOTES}/{note_id('Welcome to the kitchen')}"
    body = b"text=" + b"x" * (16 * 1024 * 1024)
    for response in (
        alice.client.post(NOTES, body, content_type=media_type),
        alice.client.put(path, body, content_type=media_type),
    ):
        error_of(response, 413)
        assert response.json()["code"] == "payload_too_large"


def test_a_text_of_a_million_characters_fits(alice):
    text = "\N{HERB}" * 1_000_000

    assert alice.post(NOTES, {"text": text}).json()["text"] == text
    assert "too long" in error_of(alice.post(NOTES, {"text": text + "x"}), 400)


# --- Headers --------------------------------------------------------------------------------


def test_responses_are_private(alice, db):
    for response in (
        alice.get(BASE),
        alice.get(f"{BASE}/nonsense"),
        alice.put(NOTES),
        anonymous_client().get(BASE),
        token_client("nonsense").get(BASE),
    ):
        assert response["API-Version"] == "1.0.0"
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Vary"] == "Accept, Authorization, Cookie"
        assert response["Content-Type"] == "application/json; charset=utf-8"
        assert response["X-Request-Id"]


def test_request_id_of_the_client_is_returned(api):
    response = api("alice").get(f"{BASE}/nonsense", headers={"x-request-id": "mine-1"})

    assert response.json()["request_id"] == response["X-Request-Id"] == "mine-1"


def test_unknown_representation_is_refused(alice):
    response = alice.post(NOTES, {"text": "x"}, **{"x-representation-session-id": "1"})

    assert error_of(response, 403) == "Invalid representation session ID"


def test_internal_error_reveals_nothing(api, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("api.v1.notes.resource.live_note", broken)
    program = Program(api("alice"))

    response = program.get(f"{NOTES}/00000000")

    assert "secret" not in error_of(response, 500)
    assert response.json()["code"] == "internal"


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/api/v1/notes", "Send a token in the `Authorization: Bearer …` header."),
        ("/whoami", "Send a token in the `Authorization: Bearer …` header, or sign in at /login."),
    ],
)
def test_anonymous_requests_get_a_hint_on_authentication(anonymous, path, hint):
    answer = anonymous().get(path, headers={"accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json()["hint"].startswith(f"{hint} Who you are and what you may do is at /whoami")


REQUIRED = [
    (f"{KITCHEN}/notes", "text"),
    (f"{KITCHEN}/notes/{{note}}/comments", "text"),
    (f"{BASE}/collectives", "name"),
    (f"{BASE}/users", "name"),
    (f"{BASE}/users/me/tokens", "scopes"),
    ("/collectives/kitchen/note/actions/create_note.json", "text"),
    ("/collectives/kitchen/n/{note}/actions/add_comment.json", "text"),
    ("/collectives/new/actions/create_collective.json", "name"),
    ("/ai-agents/new/actions/create_ai_agent.json", "name"),
]


@pytest.mark.parametrize(("path", "param"), REQUIRED)
def test_missing_required_parameter_has_the_same_code_on_every_surface(alice, note_id, path, param):
    response = alice.post(path.format(note=note_id("Knife care")[:8]), {})

    assert response.status_code == (422 if path.endswith(".json") else 400)
    assert response.json()["code"] == "invalid"
    assert param in response.json()["fields"]
