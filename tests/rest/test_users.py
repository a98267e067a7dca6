"""Users: listing, creating agents, updating, deleting."""

from __future__ import annotations

import pytest

from accounts.models import TenantUser, User
from collectives.notes.models import Note
from tests.fixtures.world import token_client
from tests.rest.conftest import BASE, KITCHEN, Program, error_of
from tokens.models import ApiToken

USERS = f"{BASE}/users"
KEYS = (
    "id user_type email display_name handle image_url pinned_items created_at updated_at"
    " archived_at parent_id path"
).split()


# --- Reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["scout", "@scout", "SCOUT", "{id}"])
def test_user_is_found_by_id_handle_and_me(bob, world, word):
    user = bob.get(f"{USERS}/{word.format(id=world.user('scout').id)}").json()

    assert list(user) == KEYS
    assert (user["handle"], user["user_type"]) == ("scout", "ai_agent")
    assert user["parent_id"] == str(world.user("alice").id)
    assert (user["image_url"], user["path"]) == ("/placeholder.png", "/u/scout")


def test_me_is_the_owner_of_the_token(alice, scout):
    assert alice.get(f"{USERS}/me").json()["handle"] == "alice"
    assert scout.get(f"{USERS}/me").json()["handle"] == "scout"


@pytest.mark.parametrize("word", ["nobody", "dave", "00000000-0000-4000-8000-000000000000", "@"])
def test_unknown_user_is_not_found(alice, world, word):
    for method in (alice.get, alice.put, alice.delete):
        assert error_of(method(f"{USERS}/{word}"), 404) == "User not found"


def test_email_is_visible_to_the_user_the_parent_and_tenant_admins(alice, bob, carol):
    def seen(program, handle):
        return program.get(f"{USERS}/{handle}").json()["email"]

    assert seen(bob, "bob") == "bob@example.com"
    assert seen(bob, "pilot").endswith("@not-a-real-email.invalid")
    assert seen(bob, "alice") is None
    assert seen(carol, "pilot") is None
    assert seen(alice, "carol") == "carol@example.com"


def test_list_has_unarchived_users_newest_first(alice, bob, world):
    TenantUser.unscoped.filter(handle="scout").update(archived_at=world.now)
    rows = bob.get(USERS).json()

    handles = [row["handle"] for row in rows]
    assert all(list(row) == KEYS for row in rows)
    assert {"alice", "bob", "carol", "erin", "pilot", "collectives/kitchen"} <= set(handles)
    assert not {"scout", "dave"} & set(handles)
    assert handles[0] in {"steward", "pilot"}
    assert bob.get(f"{USERS}/scout").json()["archived_at"]


def test_list_is_paginated_with_a_constant_number_of_queries(alice, django_assert_num_queries):
    alice.get(USERS)
    with django_assert_num_queries(4):
        first = alice.get(USERS, limit=2)
    with django_assert_num_queries(4):
        assert len(alice.get(USERS).json()) > 2
    assert 'rel="next"' in first["Link"]


def test_identity_of_a_collective_has_its_name(alice, world):
    identity = world.collective("kitchen").identity
    user = alice.get(f"{USERS}/{identity.user_id}").json()

    assert user["user_type"] == "collective_identity"
    assert (user["display_name"], user["handle"]) == ("Kitchen Crew", "collectives/kitchen")


def test_pinned_items_are_plain_objects_of_the_main_collective(alice, bob, world, note_path):
    for title in ("The garden opens at eight", "Knife care"):
        response = bob.post(f"{note_path(title)}/settings/actions/pin_note")
        assert response.status_code == 200

    pins = alice.get(f"{USERS}/bob").json()["pinned_items"]

    assert [list(pin) for pin in pins] == [["item", "pinned_at"]]
    assert pins[0]["item"]["title"] == "The garden opens at eight"
    assert pins[0]["item"]["item_type"] == "Note"


# --- Making an agent ------------------------------------------------------------------------


def test_new_agents_token_works(alice, world):
    body = {"name": "Rota Bot", "capabilities": ["create_note", "x"], "generate_token": True}
    response = alice.post(USERS, body)

    made = response.json()
    assert response.status_code == 200
    assert list(made) == [*KEYS, "token"]
    assert response["Cache-Control"] == "no-store"
    assert response["Location"] == f"http://garden.localhost{USERS}/{made['id']}"
    assert (made["handle"], made["parent_id"]) == ("rota-bot", str(world.user("alice").id))
    user = User.objects.get(id=made["id"])
    assert user.agent.capability_names == ["create_note"]
    row = ApiToken.unscoped.get(owner__user=user)
    assert row.name == "Rota Bot's API Token"
    robot = Program(token_client(made["token"]))
    assert robot.get(f"{USERS}/me").json()["handle"] == "rota-bot"


def test_token_is_created_only_on_request_and_shown_once(alice):
    response = alice.post(USERS, {"name": "Quiet", "email": "x@example.com", "colour": 1})

    assert list(response.json()) == KEYS
    assert response["Cache-Control"] == "private, no-cache"
    assert not ApiToken.unscoped.filter(owner__handle="quiet").exists()


def test_agents_token_is_limited_to_the_callers(rest):
    caller = rest("alice", scopes=["create:users", "read:all"], days=5)
    made = caller.post(USERS, {"name": "Narrow", "generate_token": True}).json()

    row = ApiToken.unscoped.get(owner__user=made["id"])
    assert row.scopes == ["read:all"]
    assert row.expires_at == ApiToken.unscoped.get(owner__handle="alice").expires_at


def test_internal_agent_gets_no_token_but_a_note(alice):
    made = alice.post(USERS, {"name": "In", "mode": "internal", "generate_token": True}).json()

    assert list(made) == [*KEYS, "note"]
    assert "No token" in made["note"]


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        ({}, ["usual"]),
        ({"capabilities": []}, []),
        ({"capabilities": ["create_note", "vote", "fly"]}, ["create_note", "vote"]),
    ],
)
def test_capabilities_default_to_the_usual_set(alice, body, stored):
    made = alice.post(USERS, {"name": "Bot", **body}).json()

    user = User.objects.get(id=made["id"])
    assert user.agent.capability_names == stored


@pytest.mark.parametrize(
    ("wanted", "got"),
    [("Rota Man!", "Rota-Man"), ("bob", "bot"), ("everyone", "bot"), ("!", "bot"), ("", "bot")],
)
def test_preferred_handle_is_used_if_free(alice, wanted, got):
    assert alice.post(USERS, {"name": "Bot", "handle": wanted}).json()["handle"] == got


def test_taken_handle_gets_a_number(alice):
    assert alice.post(USERS, {"name": "scout"}).json()["handle"] == "scout-2"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Name can't be blank"),
        ({"name": " "}, "Name can't be blank"),
        ({"name": []}, "Name must be a string"),
        ({"name": "x", "capabilities": "create_note"}, "Capabilities must be an array"),
        ({"name": "x", "generate_token": "perhaps"}, "Generate token must be true or false"),
    ],
)
def test_invalid_parameters_of_an_agent_are_named(alice, body, sentence):
    assert error_of(alice.post(USERS, body), 400) == f"Validation failed: {sentence}"


def test_agents_cannot_create_or_update_users(scout):
    made = error_of(scout.post(USERS, {"name": "x"}), 403)
    changed = error_of(scout.put(f"{USERS}/me", {"display_name": "x"}), 403)
    deleted = error_of(scout.delete(f"{USERS}/nobody"), 403)

    assert made == "Your capabilities do not include 'create_ai_agent'"
    assert changed == deleted == "Your capabilities do not include 'update_profile'"


def test_creating_an_agent_needs_the_scope(rest):
    response = rest("alice", scopes=["create:notes"]).post(USERS, {"name": "x"})

    assert error_of(response, 403) == "You do not have permission to perform that action"


# --- Changing -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_user_updates_themselves(bob, method):
    body = {"display_name": "Robert", "handle": "Rob Bert", "archived": True, "name": "x"}
    user = getattr(bob, method)(f"{USERS}/me", body).json()

    assert (user["display_name"], user["handle"]) == ("Robert", "Rob-Bert")
    assert user["archived_at"] is None


def test_blank_values_are_ignored(bob):
    before = bob.get(f"{USERS}/me").json()

    assert bob.put(f"{USERS}/me", {"display_name": " ", "handle": ""}).json() == before


@pytest.mark.parametrize(
    ("handle", "sentence"),
    [
        ("alice", "Handle has already been taken"),
        ("everyone", "Handle is reserved"),
        ("!!", "Handle can't be blank"),
        ("x" * 65, "Handle is too long (maximum is 64 characters)"),
        (7, "Handle must be a string"),
    ],
)
def test_taken_and_invalid_handles_are_refused(bob, handle, sentence):
    response = bob.put(f"{USERS}/me", {"display_name": "Robert", "handle": handle})

    assert error_of(response, 400) == f"Validation failed: {sentence}"
    assert bob.get(f"{USERS}/me").json()["display_name"] == "Bob"


@pytest.mark.parametrize("word", ["bob", "pilot", "erin"])
def test_admins_cannot_update_other_users(alice, word):
    for response in (alice.put(f"{USERS}/{word}", {}), alice.delete(f"{USERS}/{word}")):
        assert error_of(response, 401) == "Unauthorized"
        assert 'error="insufficient_scope"' in response["WWW-Authenticate"]


def test_archiving_an_agent_revokes_its_tokens_permanently(alice, scout, world):
    archived = alice.patch(f"{USERS}/scout", {"archived": True}).json()
    assert archived["archived_at"]
    assert world.workspace("scout").archived_at
    assert error_of(scout.get(BASE), 401) == "Unauthorized"

    assert alice.patch(f"{USERS}/scout", {"archived": False}).json()["archived_at"] is None
    assert world.workspace("scout").archived_at is None
    assert error_of(scout.get(BASE), 401) == "Unauthorized"
    assert error_of(alice.patch(f"{USERS}/scout", {"archived": 3}), 400) == (
        "Validation failed: Archived must be true or false"
    )


# --- Deleting -------------------------------------------------------------------------------


def test_agent_without_content_is_deleted_completely(alice):
    made = alice.post(USERS, {"name": "Brief", "generate_token": True}).json()

    response = alice.delete(f"{USERS}/brief")

    assert (response.status_code, response.json()) == (200, {"message": "User deleted"})
    assert not User.objects.filter(id=made["id"]).exists()
    assert error_of(Program(token_client(made["token"])).get(BASE), 401) == "Unauthorized"
    assert error_of(alice.delete(f"{USERS}/brief"), 404) == "User not found"


@pytest.mark.parametrize("did", ["wrote", "deleted"])
def test_agent_with_content_cannot_be_deleted(alice, rest, world, note_id, did):
    pilot, bob = rest("bob", agent="pilot"), rest("bob")
    if did == "wrote":
        assert pilot.post(f"{BASE}/notes", {"text": "x"}).status_code == 200
    else:
        Note.unscoped.filter(title="Knife care").update(deleted_by=world.user("pilot"))

    response = bob.delete(f"{USERS}/pilot")

    assert "has associated data" in error_of(response, 400)
    assert '{"archived": true}' in response.json()["error"]
    assert pilot.get(f"{USERS}/me").status_code == 200
    assert world.workspace("pilot")


def test_users_cannot_delete_themselves(bob):
    response = bob.delete(f"{USERS}/me")

    assert error_of(response, 403) == "You cannot delete your own account with the API."
    assert bob.get(f"{USERS}/me").status_code == 200


def test_users_and_tokens_are_404_below_a_collective(alice):
    for path in ("users", "users/me", "users/me/tokens", "collectives"):
        assert error_of(alice.get(f"{KITCHEN}/{path}"), 404) == "Not found"
