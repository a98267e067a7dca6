"""API tokens: creating, reading, renaming, deleting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.fixtures.world import token_client
from tests.rest.conftest import BASE, KITCHEN, Program, error_of
from tokens import secret
from tokens.models import ApiToken

MINE = f"{BASE}/users/me/tokens"
KEYS = (
    "id name user_id token_prefix scopes active expires_at last_used_at created_at updated_at"
    " token_type last_used_from last_used_by successor_id note"
).split()
READ = {"scopes": ["read:all"]}


def count() -> int:
    return ApiToken.unscoped.count()


# --- Making ---------------------------------------------------------------------------------


def test_a_new_token_is_shown_once_and_works(alice, world):
    response = alice.post(MINE, {"name": "ci", **READ})

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    made = response.json()
    assert list(made) == [*KEYS, "token"]
    assert (made["name"], made["scopes"], made["active"]) == ("ci", ["read:all"], True)
    assert made["user_id"] == str(world.user("alice").id)
    assert made["token"].startswith(made["token_prefix"])
    assert made["last_used_at"] is None
    assert response["Location"] == (
        f"http://garden.localhost{BASE}/users/{made['user_id']}/tokens/{made['id']}"
    )
    assert Program(token_client(made["token"])).get(f"{KITCHEN}/notes").status_code == 200


def test_plaintext_is_never_shown_again(alice):
    made = alice.post(MINE, READ).json()
    plaintext = made.pop("token")

    one = alice.get(f"{MINE}/{made['id']}", include="full_token")
    rows = alice.get(MINE, include="full_token")

    assert list(one.json()) == KEYS
    assert all(list(row) == KEYS for row in rows.json())
    assert plaintext not in one.text + rows.text
    row = ApiToken.unscoped.get(id=made["id"])
    assert row.token_hash == secret.digest(plaintext)


@pytest.mark.parametrize(("body", "name"), [(READ, None), ({**READ, "name": None}, None)])
def test_name_is_optional(alice, body, name):
    assert alice.post(MINE, body).json()["name"] is name


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Scopes can't be blank"),
        ({"scopes": []}, "Scopes can't be blank"),
        ({"scopes": None}, "Scopes can't be blank"),
        ({"scopes": "read:all"}, "Scopes must be an array"),
        ({"scopes": {"a": 1}}, "Scopes must be an array"),
        ({"scopes": [1]}, "Scopes must be a string"),
        ({"scopes": ["read:foo"]}, "Scopes Invalid scope: read:foo"),
        ({**READ, "name": ""}, "Name can't be blank"),
        ({**READ, "name": 3}, "Name must be a string"),
        ({**READ, "name": "x" * 256}, "Name is too long (maximum is 255 characters)"),
        ({**READ, "expires_at": "soon"}, "expires_at must be a valid time"),
        ({**READ, "expires_at": 1790000000}, "expires_at must be a valid time"),
        ({**READ, "expires_at": "2020-01-01"}, "expires_at must be in the future"),
    ],
)
def test_invalid_parameters_of_a_token_are_named(alice, body, sentence):
    before = count()

    assert error_of(alice.post(MINE, body), 400) == sentence
    assert count() == before


@pytest.mark.parametrize("scope", ["foo:bar", "READ:all", "", "x"])
def test_unknown_scopes_are_refused(alice, scope):
    expected = 403 if scope else 400

    assert alice.post(MINE, {"scopes": [scope]}).status_code == expected


def test_scopes_are_limited_to_those_of_the_calling_token(rest):
    narrow = rest("alice", scopes=["create:api_tokens", "read:notes", "update:all"])

    held = narrow.post(MINE, {"scopes": ["read:notes", "update:votes"]})
    wider = narrow.post(MINE, {"scopes": ["read:all", "update:all", "create:notes"]})

    assert held.json()["scopes"] == ["read:notes", "update:votes"]
    assert error_of(wider, 403) == (
        "Cannot grant scope(s) the creating token does not have: read:all, create:notes"
    )
    assert wider.json()["code"] == "scope_not_grantable"


def test_wider_scope_is_reported_before_other_errors(rest):
    narrow = rest("alice", scopes=["create:api_tokens"])
    body = {"scopes": ["read:foo"], "name": "x" * 300, "expires_at": "soon"}

    assert error_of(narrow.post(MINE, body), 403).endswith("does not have: read:foo")


def test_read_only_token_cannot_create_tokens(rest):
    before = ApiToken.unscoped.count()
    response = rest("alice", scope="read").post(MINE, READ)

    assert error_of(response, 403) == "You do not have permission to perform that action"
    assert 'scope="create:api_tokens"' in response["WWW-Authenticate"]
    assert count() == before + 1


def test_expiry_is_limited_to_that_of_the_calling_token(rest):
    caller = rest("alice", days=10)
    own = caller.get(BASE).json()["token"]["expires_at"]

    assert caller.post(MINE, {**READ, "expires_at": "2199-01-01"}).json()["expires_at"] == own
    assert caller.post(MINE, READ).json()["expires_at"] == own


def test_earlier_expiry_is_kept(rest, world):
    asked = (world.now + timedelta(days=3)).astimezone(UTC)
    made = rest("alice", days=10).post(MINE, {**READ, "expires_at": asked.isoformat()}).json()

    assert made["expires_at"] == asked.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.meets("life of a token")
def test_lifetime_is_at_most_twelve_months(alice, world):
    # A token cannot live longer, so the row of the calling token is changed directly.
    ApiToken.unscoped.update(expires_at=world.now + timedelta(days=3000))
    with time_machine.travel(datetime(2026, 3, 31, 12, tzinfo=UTC), tick=False):
        ApiToken.unscoped.update(created_at=datetime(2026, 3, 1, tzinfo=UTC))
        made = alice.post(MINE, {**READ, "expires_at": "2030-01-01"}).json()

    assert made["expires_at"] == "2027-03-31T12:00:00.000Z"


@pytest.mark.meets("active tokens of an owner")
def test_at_most_fifty_active_tokens(alice, rest):
    while ApiToken.unscoped.filter(owner__handle="alice").count() < 50:
        assert alice.post(MINE, READ).status_code == 200

    refused = alice.post(MINE, READ)

    assert error_of(refused, 400) == (
        "Maximum of 50 active API tokens reached."
        " Delete an existing token before creating a new one."
    )
    assert refused.json()["code"] == "limit_reached"
    alice.delete(f"{MINE}/{alice.get(MINE).json()[0]['id']}")
    assert alice.post(MINE, READ).status_code == 200


def test_internal_attributes_are_ignored(alice):
    body = {**READ, "internal": True, "context": "x", "app_admin": True, "token_type": "mcp"}
    made = alice.post(MINE, body).json()

    row = ApiToken.unscoped.get(id=made["id"])
    assert (row.is_internal, row.context, made["token_type"]) == (False, "", "rest")


def test_form_creates_a_token(alice):
    made = alice.client.post(MINE, {"name": "form", "scopes[]": ["read:all", "read:notes"]})

    assert made.json()["scopes"] == ["read:all", "read:notes"]


def test_a_note_is_stored_changed_and_kept(alice):
    made = alice.post(MINE, {"name": "ci", "note": "GitHub secret", **READ}).json()
    path = f"{MINE}/{made['id']}"

    assert made["note"] == "GitHub secret"
    assert alice.patch(path, {"note": "The laptop"}).json()["note"] == "The laptop"
    renamed = alice.patch(path, {"name": "nightly"}).json()
    assert (renamed["name"], renamed["note"]) == ("nightly", "The laptop")
    assert alice.patch(path, {"note": ""}).json()["note"] == ""
    assert alice.patch(path, {"note": "n" * 256}).status_code == 400


# --- Whose ----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["me", "alice", "@alice", "{id}"])
def test_own_tokens_are_listed_by_id_handle_and_me(alice, world, word):
    path = f"{BASE}/users/{word.format(id=world.user('alice').id)}/tokens"

    assert [row["name"] for row in alice.get(path).json()] == ["alice in a test"]


def test_a_parent_manages_the_tokens_of_an_external_agent(alice, world):
    path = f"{BASE}/users/scout/tokens"
    made = alice.post(path, {"name": "robot", **READ}).json()

    assert made["user_id"] == str(world.user("scout").id)
    assert alice.patch(f"{path}/{made['id']}", {"name": "r2"}).json()["name"] == "r2"
    assert [row["name"] for row in alice.get(path).json()] == ["r2"]
    assert alice.delete(f"{path}/{made['id']}").json() == {"message": "Token deleted"}
    assert error_of(alice.get(f"{MINE}/{made['id']}"), 404) == "Token not found"


@pytest.mark.parametrize("method", ["get", "post"])
def test_internal_agent_has_no_tokens(alice, method):
    response = getattr(alice, method)(f"{BASE}/users/steward/tokens")

    assert error_of(response, 403) == "Internal AI agents cannot have API tokens"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_tokens_of_an_internal_agent_are_refused_for_every_method(alice, method):
    response = getattr(alice, method)(f"{BASE}/users/steward/tokens/1")

    assert error_of(response, 403) == "Internal AI agents cannot have API tokens"


@pytest.mark.parametrize("word", ["bob", "pilot", "nobody", "00000000-0000-4000-8000-000000000000"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_tokens_of_others_are_not_found(alice, word, method):
    path = f"{BASE}/users/{word}/tokens"

    assert error_of(getattr(alice, method)(path), 404) == "User not found"
    assert error_of(alice.delete(f"{path}/1"), 404) == "User not found"


@pytest.mark.parametrize("state", ["archived", "suspended"])
def test_an_inactive_agent_gets_no_new_token(alice, world, state):
    if state == "archived":
        person = world.person("scout")
        type(person).unscoped.filter(id=person.id).update(archived_at=world.now)
    else:
        world.user("scout").suspend(world.now)

    assert alice.post(f"{BASE}/users/scout/tokens", READ).status_code == 403
    assert not ApiToken.unscoped.filter(owner__handle="scout").exists()


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("post", MINE, "create_api_token"),
        ("post", f"{BASE}/users/nobody/tokens", "create_api_token"),
        ("patch", f"{MINE}/1", "rename_api_token"),
        ("delete", f"{MINE}/1", "delete_api_token"),
    ],
)
def test_agent_reads_its_own_tokens_and_changes_none(scout, method, path, action):
    response = getattr(scout, method)(path)

    assert error_of(response, 403) == f"Your capabilities do not include '{action}'"
    assert [row["name"] for row in scout.get(MINE).json()] == ["scout in a test"]


# --- Reading, renaming, deleting ------------------------------------------------------------


def test_a_list_shows_the_newest_first_expired_ones_too(alice, token_for, world):
    token_for("alice", at=world.now - timedelta(days=40), days=10)
    deleted = alice.post(MINE, READ).json()
    alice.delete(f"{MINE}/{deleted['id']}")

    rows = alice.get(MINE).json()

    assert [row["active"] for row in rows] == [True, False]
    assert deleted["id"] not in {row["id"] for row in rows}


@pytest.fixture
def sorts(world, token_for):
    """Tokens in addition to the calling one: expired, expiring soon, and of Alice's agent."""
    made = {
        "expired": token_for("alice", at=world.now - timedelta(days=40), days=10),
        "short": token_for("alice", at=world.now - timedelta(days=5), days=6),
        "scout's": token_for("alice", agent="scout", at=world.now - timedelta(days=2)),
    }
    for name, plaintext in made.items():
        ApiToken.unscoped.filter(token_hash=secret.digest(plaintext)).update(name=name)
    return made


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["calling", "short", "expired"]),
        ({"active": "true"}, ["calling", "short"]),
        ({"active": "false"}, ["expired"]),
        ({"created_after": -10}, ["calling", "short"]),
        ({"created_before": -3}, ["short", "expired"]),
        ({"expires_after": 2}, ["calling"]),
        ({"expires_before": 2}, ["short", "expired"]),
        ({"expires_after": -50, "expires_before": 2, "active": "true"}, ["short"]),
        ({"whose": "me"}, ["calling", "short", "expired"]),
        ({"whose": "all"}, ["calling", "scout's", "short", "expired"]),
        ({"whose": "scout"}, ["scout's"]),
        ({"whose": "@Scout"}, ["scout's"]),
    ],
)
def test_tokens_are_filtered_by_state_time_and_owner(alice, sorts, world, query, names):
    moments = {
        key: (world.now + timedelta(days=value)).isoformat() if isinstance(value, int) else value
        for key, value in query.items()
    }

    rows = alice.get(MINE, **moments).json()

    assert [row["name"].replace("alice in a test", "calling") for row in rows] == names


def test_each_row_names_its_own_user(alice, sorts, world):
    owners = {row["name"]: row["user_id"] for row in alice.get(MINE, whose="all").json()}

    assert owners["scout's"] == str(world.user("scout").id)
    assert owners["short"] == str(world.user("alice").id)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"active": "maybe"}, "active must be true or false"),
        ({"created_after": "soon"}, "created_after must be a valid time"),
        ({"expires_before": "x"}, "expires_before must be a valid time"),
        ({"whose": "bob"}, "whose must be all, me, or the handle of an external agent"),
        ({"whose": "steward"}, "whose must be all, me, or the handle of an external agent"),
    ],
)
def test_invalid_values_are_named(alice, query, sentence):
    assert error_of(alice.get(MINE, **query), 400) == sentence


def test_agent_lists_only_its_own_tokens(scout, sorts):
    assert {row["name"] for row in scout.get(MINE, whose="all").json()} == {
        "scout in a test",
        "scout's",
    }


def test_token_shows_its_last_use(alice, token_for):
    used = token_for("alice")
    token_client(used).get(
        f"{BASE}/tokens/self", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )

    row = next(each for each in alice.get(MINE).json() if used.startswith(each["token_prefix"]))

    assert (row["last_used_from"], row["last_used_by"]) == ("203.0.113.0/24", "curl")


@pytest.mark.parametrize("case", ["unknown", "short", "plaintext", "deleted", "internal", "bob's"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_unknown_token_is_not_found(alice, bob, world, token_for, case, method):
    made = alice.post(MINE, READ).json()
    row = ApiToken.unscoped.filter(id=made["id"])
    word = made["id"]
    if case == "unknown":
        word = "00000000-0000-4000-8000-000000000000"
    elif case == "short":
        word = word[:8]
    elif case == "plaintext":
        word = made["token"]
    elif case == "deleted":
        row.update(deleted_at=world.now)
    elif case == "internal":
        row.update(is_internal=True, context="run 1")
    else:
        row.update(owner=world.person("bob"))

    assert error_of(getattr(alice, method)(f"{MINE}/{word}"), 404) == "Token not found"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_only_the_name_changes(alice, method):
    made = alice.post(MINE, {"name": "old", **READ}).json()
    path = f"{MINE}/{made['id']}"

    renamed = getattr(alice, method)(path, {"name": "new", "colour": "red"}).json()

    changed = {key for key in KEYS if renamed[key] != made[key]}
    assert changed == {"name", "updated_at"}
    assert getattr(alice, method)(path, {}).json() == alice.get(path).json()
    assert error_of(alice.patch(path, {"name": " "}), 400) == "Name can't be blank"
    assert alice.patch(path, {"name": None}).json()["name"] is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"expires_at": "2030-01-01"}, "expires_at"),
        ({"name": "x", "scopes": [], "active": False}, "scopes, active"),
        ({"active": False, "scopes": []}, "active, scopes"),
        ({"internal": 1, "context": 1, "context_id": 1, "context_type": 1}, None),
        ({"token_type": 1, "user_id": 1, "token": 1, "token_prefix": 1}, None),
        ({"sys_admin": 1, "app_admin": 1, "tenant_admin": 1}, None),
    ],
)
def test_other_attributes_are_immutable(alice, body, named):
    made = alice.post(MINE, {"name": "old", **READ}).json()
    path = f"{MINE}/{made['id']}"

    response = alice.patch(path, body)

    assert error_of(response, 400) == (
        f"Tokens are immutable except for `name`. To change {named or ', '.join(body)},"
        " create a new token and delete this one."
    )
    assert response.json()["code"] == "immutable"
    assert alice.get(path).json()["name"] == "old"


def test_deleted_token_stops_working_immediately(alice):
    own = alice.get(BASE).json()["token"]["id"]

    assert alice.delete(f"{MINE}/{own}").json() == {"message": "Token deleted"}
    assert error_of(alice.get(MINE), 401) == "Unauthorized"
