"""Collectives: listing, creating, updating, and their members."""

from __future__ import annotations

import pytest

from collectives.models import Collective, CollectiveMember
from tests.fixtures.rows import change, member
from tests.rest.conftest import BASE, error_of

ALL = f"{BASE}/collectives"
KEYS = (
    "id name handle timezone tempo description synchronization_mode collective_type is_main"
    " api_enabled roles archived_at path url created_at updated_at"
).split()
NEW = {"name": "Tool Library", "handle": "tool-library"}


# --- Reading --------------------------------------------------------------------------------


def test_list_has_the_standard_collectives_of_the_caller(alice, carol, world):
    rows = alice.get(ALL).json()

    assert all(list(row) == KEYS for row in rows)
    assert {row["handle"] for row in rows} == {"garden", "kitchen", "treasury"}
    assert {row["handle"] for row in carol.get(ALL).json()} == {"garden", "treasury", "board"}
    by_handle = {row["handle"]: row for row in rows}
    assert by_handle["kitchen"]["roles"] == ["admin", "representative"]
    assert [by_handle[each]["api_enabled"] for each in ("garden", "treasury")] == [True, False]
    assert [by_handle[each]["is_main"] for each in ("garden", "kitchen")] == [True, False]
    created = [row["created_at"] for row in rows if row["created_at"]]
    assert created == sorted(created)


def test_list_shows_only_names_of_collectives_with_the_api_disabled(alice):
    row = next(row for row in alice.get(ALL).json() if row["handle"] == "treasury")

    shown = {name for name, value in row.items() if value is not None}
    assert shown == {"id", "name", "handle", "path", "url", "api_enabled"}
    assert list(row) == KEYS


def test_list_takes_a_constant_number_of_queries(alice, django_assert_num_queries):
    alice.get(ALL)
    with django_assert_num_queries(3):
        alice.get(ALL, limit=1)
    with django_assert_num_queries(3):
        assert len(alice.get(ALL).json()) == 3


@pytest.mark.parametrize("word", ["kitchen", "KITCHEN", "{id}"])
def test_collective_is_found_by_id_and_handle(bob, world, word):
    row = bob.get(f"{ALL}/{word.format(id=world.collective('kitchen').id)}").json()

    assert list(row) == KEYS
    assert (row["name"], row["description"]) == ("Kitchen Crew", "Who cooks, and how.")
    assert row["path"] == "/collectives/kitchen"
    assert row["url"] == "http://garden.localhost/collectives/kitchen"


def test_own_workspace_is_found_but_not_listed(alice, bob, world):
    handle = world.workspace("alice").handle
    row = alice.get(f"{ALL}/{handle}").json()

    assert (row["collective_type"], row["path"]) == ("private_workspace", f"/workspace/{handle}")
    assert handle not in {each["handle"] for each in alice.get(ALL).json()}
    assert error_of(bob.get(f"{ALL}/{handle}"), 404) == "Collective not found"


@pytest.mark.parametrize(
    ("held", "roles"),
    [
        ({}, []),
        ({"is_admin": True}, ["admin"]),
        ({"is_representative": True}, ["representative"]),
        ({"is_admin": True, "is_representative": True}, ["admin", "representative"]),
    ],
)
def test_a_collective_shows_the_roles_of_the_caller(bob, world, held, roles):
    change(member(world, "bob"), **held)

    assert bob.get(f"{ALL}/kitchen").json()["roles"] == roles
    by_handle = {row["handle"]: row["roles"] for row in bob.get(ALL).json()}
    assert by_handle["kitchen"] == roles


@pytest.mark.parametrize("word", ["board", "nonsense", "basecamp"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_collective_of_others_is_not_found(alice, word, method):
    assert error_of(getattr(alice, method)(f"{ALL}/{word}"), 404) == "Collective not found"


def test_collectives_are_available_below_a_workspace(alice, world):
    base = f"/workspace/{world.workspace('alice').handle}/api/v1"

    assert alice.get(f"{base}/collectives").json() == alice.get(ALL).json()


@pytest.mark.parametrize(("scopes", "status"), [(["read:all"], 200), (["read:users"], 403)])
def test_collectives_need_a_scope_for_all_resources(rest, scopes, status):
    assert rest("alice", scopes=scopes).get(ALL).status_code == status
    assert rest("alice", scopes=scopes).get(f"{ALL}/kitchen/members").status_code == status


# --- Making ---------------------------------------------------------------------------------


def test_creator_becomes_admin_of_a_new_collective(alice):
    response = alice.post(ALL, {**NEW, "timezone": "Europe/Berlin", "tempo": "monthly"})

    row = response.json()
    assert response.status_code == 200
    assert list(row) == KEYS
    assert (row["timezone"], row["tempo"]) == ("Europe/Berlin", "monthly")
    assert (row["description"], row["synchronization_mode"]) == (None, "improv")
    assert row["roles"] == ["admin", "representative"]
    assert response["Location"] == f"http://garden.localhost{ALL}/{row['id']}"


def test_collective_can_have_the_handle_of_a_person(alice, world):
    made = alice.post(ALL, {**NEW, "handle": "bob"})

    assert (made.status_code, made.json()["handle"]) == (200, "bob")
    identity = Collective.unscoped.select_related("identity").get(handle="bob").identity
    assert identity is not None
    assert identity.handle not in {"", "bob"}
    assert alice.get(f"{BASE}/users/bob").json()["id"] == str(world.user("bob").id)


def test_api_of_a_new_collective_is_disabled_by_default(alice):
    closed = alice.post(ALL, NEW).json()
    opened = alice.post(ALL, {"name": "B", "handle": "b", "api_enabled": True}).json()

    assert (closed["api_enabled"], opened["api_enabled"]) == (False, True)
    refused = alice.get("/collectives/tool-library/api/v1")
    assert error_of(refused, 403) == "API not enabled for this collective"
    assert alice.get("/collectives/b/api/v1").status_code == 200


def test_unknown_and_blank_values_mean_the_default(alice):
    body = {**NEW, "tempo": "yearly", "synchronization_mode": "jazz", "timezone": ""}
    row = alice.post(ALL, body).json()

    assert (row["tempo"], row["synchronization_mode"], row["timezone"]) == (
        "daily",
        "improv",
        "UTC",
    )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Validation failed: Name can't be blank, Handle can't be blank"),
        ({"name": "", "handle": "x"}, "Validation failed: Name can't be blank"),
        ({"name": "x", "handle": ""}, "Validation failed: Handle can't be blank"),
        ({"name": "x", "handle": 4}, "Validation failed: Handle must be a string"),
        (
            {"name": "x", "handle": "No Way"},
            "Validation failed: Handle must be alphanumeric with dashes",
        ),
        ({"name": "x", "handle": "kitchen"}, "Handle is not available"),
        ({"name": "x", "handle": "main"}, "Handle is not available"),
        (
            {**NEW, "timezone": "Mars/North"},
            "Validation failed: Timezone is not a known timezone",
        ),
        ({**NEW, "api_enabled": "x"}, "Validation failed: Api enabled must be true or false"),
    ],
)
def test_invalid_parameters_of_a_collective_are_named(alice, body, sentence):
    before = Collective.unscoped.count()

    assert error_of(alice.post(ALL, body), 400) == sentence
    assert Collective.unscoped.count() == before


def test_agents_cannot_create_or_update_collectives(scout):
    made = error_of(scout.post(ALL, NEW), 403)
    changed = error_of(scout.put(f"{ALL}/kitchen", {"name": "x"}), 403)

    assert made == "Your capabilities do not include 'create_collective'"
    assert changed == "Your capabilities do not include 'update_collective_settings'"


# --- Changing -------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "patch"])
def test_admin_updates_only_sent_values(alice, method):
    before = alice.get(f"{ALL}/kitchen").json()
    body = {"name": "Crew", "tempo": "yearly", "timezone": ""}
    row = getattr(alice, method)(f"{ALL}/kitchen", body).json()

    assert list(row) == KEYS
    assert {key for key in KEYS if row[key] != before[key]} == {"name", "updated_at"}
    assert alice.get(f"{ALL}/kitchen").json() == row


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_description_can_be_cleared(alice, blank):
    row = alice.put(f"{ALL}/kitchen", {"description": blank}).json()

    assert (row["description"] or "").strip() == ""


def test_name_cannot_be_cleared(alice):
    response = alice.put(f"{ALL}/kitchen", {"name": " "})

    assert error_of(response, 400) == "Validation failed: Name can't be blank"


@pytest.mark.parametrize("force", [{}, {"force_update": "true"}, {"force_update": 1}])
def test_handle_changes_only_with_force_update(alice, force):
    response = alice.put(f"{ALL}/kitchen", {"handle": "galley", "name": "Galley", **force})

    assert '"force_update": true' in error_of(response, 400)
    assert alice.get(f"{ALL}/kitchen").json()["name"] == "Kitchen Crew"
    assert alice.put(f"{ALL}/kitchen", {"handle": "kitchen"}).status_code == 200
    changed = alice.put(f"{ALL}/kitchen", {"handle": "galley", "force_update": True}).json()
    assert (changed["handle"], changed["path"]) == ("galley", "/collectives/galley")


@pytest.mark.parametrize(
    ("handle", "sentence"),
    [
        ("board", "Handle is not available"),
        ("No Way", "Validation failed: Handle must be alphanumeric with dashes"),
    ],
)
def test_taken_and_invalid_handles_are_refused(alice, handle, sentence):
    response = alice.put(f"{ALL}/kitchen", {"handle": handle, "force_update": True})

    assert error_of(response, 400) == sentence


def test_only_admins_update_a_collective(bob):
    response = bob.put(f"{ALL}/kitchen", {"name": "Mine"})

    assert error_of(response, 403) == "Unauthorized: must be admin"
    assert bob.get(f"{ALL}/kitchen").json()["name"] == "Kitchen Crew"


def test_a_workspace_has_no_settings(alice, world):
    path = f"{ALL}/{world.workspace('alice').handle}"

    assert alice.put(path, {"name": "Mine"}).status_code == 403


def test_token_cannot_change_the_api_switch_and_gets_a_note(alice):
    row = alice.put(f"{ALL}/kitchen", {"api_enabled": False, "name": "Crew"}).json()

    assert list(row) == [*KEYS, "note"]
    assert (row["api_enabled"], row["name"]) == (True, "Crew")
    assert "ignored" in row["note"]


def test_collectives_cannot_be_deleted(alice):
    response = alice.delete(f"{ALL}/kitchen")

    assert error_of(response, 405) == "Collectives are archived, not deleted."
    assert "/collectives/kitchen/settings" in response.json()["hint"]
    assert "DELETE" not in response["Allow"]


# --- Members --------------------------------------------------------------------------------


def test_members_are_active_ones_newest_first(bob, world):
    members = CollectiveMember.unscoped.filter(collective=world.collective("kitchen"))
    members.filter(person__handle="erin").update(archived_at=world.now)
    rows = bob.get(f"{ALL}/kitchen/members").json()

    keys = ["id", "handle", "display_name", "user_type", "roles", "created_at"]
    assert all(list(row) == keys for row in rows)
    assert {row["handle"] for row in rows} == {"alice", "bob", "scout", "steward"}
    created = [row["created_at"] for row in rows]
    assert created == sorted(created, reverse=True)
    roles = {row["handle"]: row["roles"] for row in rows}
    assert (roles["alice"], roles["bob"]) == (["admin", "representative"], [])


def test_members_are_visible_to_members_if_the_api_is_enabled(alice, carol):
    hidden = carol.get(f"{ALL}/kitchen/members")
    switched_off = alice.get(f"{ALL}/treasury/members")

    assert error_of(hidden, 404) == "Collective not found"
    assert error_of(switched_off, 403) == "API not enabled for this collective"
