"""Events: one for each write on every surface, in its transaction, and none for reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import SecurityEvent, User
from collectives.events.models import Event
from collectives.items.models import Item, Pin
from collectives.notes.models import Note
from harmonic.kernel import events, registry
from tests.fixtures.world import World
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

KITCHEN = "/collectives/kitchen"
NOTES = f"{KITCHEN}/api/v1/notes"
JSON = "application/json"


@pytest.fixture
def emitted() -> Callable[[], list[Event]]:
    """Return what reads the events since the last call, oldest first."""
    known = set(Event.unscoped.values_list("id", flat=True))

    def since() -> list[Event]:
        new = list(Event.unscoped.exclude(id__in=known).order_by("happened_at"))
        known.update(event.id for event in new)
        return new

    return since


Emitted = Callable[[], list[Event]]


def types(found: list[Event]) -> list[str]:
    return [str(event) for event in found]


def act(client: Client, path: str, **params: Any) -> Any:
    """Post an action, and return its successful answer."""
    response = client.post(path, json.dumps(params), JSON)
    assert response.status_code in (200, 303), response.content
    return response


# --- What an event says ---------------------------------------------------------------------


@pytest.mark.parametrize("surface", ["page", "markdown", "rest"])
def test_a_new_note_is_one_event_with_who_what_where_and_by_which_token(
    page: Any, api: Any, world: World, emitted: Emitted, surface: str
) -> None:
    client = page("alice") if surface == "page" else api("alice")
    path = NOTES if surface == "rest" else f"{KITCHEN}/note/actions/create_note"
    values = {"title": "T" * 300, "text": "x" * 700}
    if surface == "page":
        client.post(path, values)
    else:
        act(client, path, **values)

    (event,) = emitted()
    note = Note.unscoped.get(title="T" * 300)
    assert str(event) == "note.created"
    assert event.item_id == note.id
    assert event.collective == world.collective("kitchen")
    assert event.tenant == world.tenant()
    assert event.actor == world.user("alice")
    assert event.happened_at == note.created_at
    assert event.metadata == {
        "truncated_id": note.truncated_id,
        "text": "x" * 500,
        "title": "T" * 200,
    }
    token = None if surface == "page" else ApiToken.unscoped.latest("created_at").id
    assert event.token_id == token


def test_a_comment_is_a_new_note_and_one_without_a_title_has_none(
    api: Any, note_path: Any, emitted: Emitted
) -> None:
    act(api("bob"), f"{note_path('Knife care')}/actions/add_comment", text="Sharp.")

    (event,) = emitted()
    comment = event.item
    assert comment is not None
    assert (str(event), comment.subtype) == ("note.created", "comment")
    assert event.metadata == {"truncated_id": comment.truncated_id, "text": "Sharp."}


def test_an_edit_has_the_changed_fields_with_old_and_new_value(
    api: Any, note_id: Any, emitted: Emitted
) -> None:
    path = f"{NOTES}/{note_id('Knife care')}"
    bob = api("bob")
    old = bob.get(path).json()

    bob.put(path, {"title": old["title"], "text": "y" * 600}, JSON)
    bob.patch(path, {"deadline": "2030-01-02T03:04:05Z", "edit_access": "members"}, JSON)

    first, second = emitted()
    assert types([first, second]) == ["note.updated", "note.updated"]
    assert first.metadata == {"changed": {"text": [old["text"][:500], "y" * 500]}}
    assert second.metadata["changed"]["edit_access"] == ["owner", "members"]
    assert second.metadata["changed"]["deadline"][1] == "2030-01-02T03:04:05+00:00"


def test_strings_that_look_like_tokens_are_not_stored(api: Any, emitted: Emitted) -> None:
    act(api("alice"), NOTES, text=f"Use hmn_{'a1B2' * 10}")

    assert emitted()[0].metadata["text"] == "Use hmn_[filtered]"


# --- One for each write ---------------------------------------------------------------------


def test_each_action_on_a_note_is_one_event_and_repeating_it_adds_none(
    page: Any, note_path: Any, emitted: Emitted
) -> None:
    bob, path = page("bob"), note_path("Knife care")
    sent = {"title": "Knives", "text": Note.unscoped.get(title="Knife care").text}
    for name, values, expected in (
        ("edit/actions/update_note", sent, "note.updated"),
        ("actions/confirm_read", {}, "note.confirmed"),
        ("settings/actions/pin_note", {}, "note.pinned"),
        ("settings/actions/unpin_note", {}, "note.unpinned"),
    ):
        for again in ([expected], []):
            act(bob, f"{path}/{name}", **values)
            assert types(emitted()) == again, name
    act(bob, f"{path}/settings/actions/delete_note")
    act(bob, f"{path}/actions/restore_note")
    assert types(emitted()) == ["note.deleted", "note.restored"]


def test_writes_of_the_tenant_have_an_event_without_collective_and_secret(
    page: Any, emitted: Emitted
) -> None:
    alice = page("alice")

    act(alice, "/u/alice/settings/tokens/new/actions/create_api_token.json", name="Robot")
    token = ApiToken.unscoped.get(name="Robot")
    path = f"/u/alice/settings/tokens/{token.id}/actions"
    for name in ("Robot", "Tin"):
        act(alice, f"{path}/rename_api_token", name=name)
    act(alice, f"{path}/delete_api_token")
    act(alice, "/u/alice/settings/actions/update_profile", name="Alison")

    found = emitted()
    assert types(found) == ["token.created", "token.updated", "token.deleted", "user.updated"]
    assert {event.collective_id for event in found} == {None}
    assert found[0].metadata["token_id"] == str(token.id)
    assert found[0].metadata["scopes"] == ["read:all"]
    assert found[1].metadata["old_name"] == "Robot"
    assert found[3].metadata["changed"] == {"name": ["Alice", "Alison"]}
    assert "token_hash" not in str(found[0].metadata)
    assert token.token_hash not in str([event.metadata for event in found])


def test_a_setting_of_a_collective_is_an_event_there_and_the_api_switch_among_them(
    page: Any, world: World, emitted: Emitted
) -> None:
    kitchen, path = world.collective("kitchen"), f"{KITCHEN}/settings/actions"
    for values in ({"feature_api": False}, {"feature_api": False}, {"tempo": "daily"}):
        act(page("alice"), f"{path}/update_collective_settings", **values)

    switched, slowed = emitted()
    moments = [switched.happened_at, slowed.happened_at]
    lines = SecurityEvent.unscoped.filter(at__in=moments).values_list("event", flat=True)
    assert sorted(lines) == ["admin_action", "api_flag_changed"]
    assert types([switched, slowed]) == ["collective.updated", "collective.updated"]
    assert {switched.collective_id, slowed.collective_id} == {kitchen.id}
    assert switched.metadata == {"changed": {"is_api_enabled": [True, False]}}
    assert slowed.metadata == {"changed": {"tempo": ["weekly", "daily"]}}


def test_a_new_collective_is_where_its_event_happened(page: Any, emitted: Emitted) -> None:
    act(page("alice"), "/collectives/new/actions/create_collective", name="Bees", handle="bees")

    (event,) = emitted()
    assert str(event) == "collective.created"
    assert event.collective is not None
    assert event.collective.handle == "bees"


def test_an_event_about_a_person_has_their_id(page: Any, world: World, emitted: Emitted) -> None:
    bob = world.user("bob")

    act(page("alice"), f"{KITCHEN}/members/actions/remove_member", user_handle="bob")

    (event,) = emitted()
    assert (str(event), event.metadata) == ("member.removed", {"user_id": str(bob.id)})


def test_an_agents_scratchpad_is_not_quoted_and_writing_the_same_is_no_event(
    api: Any, emitted: Emitted
) -> None:
    scout = api("alice", agent="scout")
    for _ in range(2):
        act(scout, "/whoami/actions/update_scratchpad", content="Between us.")

    (event,) = emitted()
    assert (str(event), event.metadata) == ("agent.updated", {"changed": {"scratchpad": []}})


# --- None for what is not written -----------------------------------------------------------


def test_reads_refusals_and_dry_runs_leave_no_event(
    api: Any, note_path: Any, emitted: Emitted
) -> None:
    carol, bob, path = api("carol"), api("bob"), note_path("Knife care")
    assert bob.get(f"{path}.md").status_code == 200
    assert carol.post(f"{path}/settings/actions/pin_note", {}, JSON).status_code in (403, 404)
    assert bob.post(f"{KITCHEN}/note/actions/create_note", {"text": " "}, JSON).status_code == 422
    assert bob.post(f"{path}/settings/actions/pin_note?dry_run=true", {}, JSON).status_code == 200

    assert emitted() == []


def test_a_reader_that_fails_undoes_the_write(
    api: Any, note_id: Any, emitted: Emitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(event: events.Event, access: Any) -> None:
        raise IntegrityError("no")

    monkeypatch.setattr(events, "_readers", [*events._readers, fail])
    before, pins = Note.unscoped.count(), Pin.unscoped.count()
    alice = api("alice")
    alice.raise_request_exception = False

    assert alice.post(NOTES, {"text": "x"}, JSON).status_code == 500

    assert (Note.unscoped.count(), Pin.unscoped.count()) == (before, pins)
    assert emitted() == []


def test_readers_are_called_in_the_transaction_with_the_event(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []

    def read(event: events.Event, access: Any) -> None:
        kept = Event.unscoped.filter(id=event.id, item__in=Item.unscoped.all()).exists()
        seen.append((f"{event.subject}.{event.verb}", kept))
        assert transaction.get_connection().in_atomic_block

    monkeypatch.setattr(events, "_readers", [*events._readers, read])
    act(api("alice"), NOTES, text="x")

    assert seen == [("note.created", True)]


# --- The history of an item -----------------------------------------------------------------


def test_the_history_shows_creation_edits_and_confirmations_and_nothing_else(
    page: Any, api: Any, note_path: Any, note_id: Any
) -> None:
    bob, path = page("bob"), note_path("Knife care")
    asked = f"{NOTES}/{note_id('Knife care')}?include=history_events"
    before = len(api("bob").get(asked).json()["history_events"])
    for name, values in (
        ("edit/actions/update_note", {"title": "Knives", "text": "New"}),
        ("settings/actions/pin_note", {}),
        ("settings/actions/delete_note", {}),
        ("actions/restore_note", {}),
        ("actions/confirm_read", {}),
    ):
        act(bob, f"{path}/{name}", **values)

    shown = api("bob").get(asked).json()["history_events"]
    assert [each["event_type"] for each in shown[before:]] == ["update", "read_confirmation"]
    assert "pinned this note" not in bob.get(path).text


def test_a_confirmation_returns_the_stored_event(api: Any, note_id: Any) -> None:
    note = note_id("Welcome to the kitchen")
    Event.unscoped.filter(item=note, verb="confirmed").delete()

    answer = api("bob").post(f"{NOTES}/{note}/confirm", {}, JSON).json()

    event = Event.unscoped.get(item=note, verb="confirmed")
    assert (str(event.id), str(event.actor_id)) == (answer["id"], answer["user_id"])


# --- What remains ---------------------------------------------------------------------------


@pytest.mark.postgres
def test_an_account_that_a_history_names_cannot_be_deleted_and_its_other_events_stay(
    api: Any, note_id: Any, world: World
) -> None:
    # The steward has written nothing yet that would keep its account.
    steward, note = api("alice", agent="steward"), note_id("Knife care")
    agent = world.user("steward")
    Event.unscoped.filter(actor=agent).delete()
    act(steward, "/whoami/actions/update_scratchpad", content="Mine.")
    mine = Event.unscoped.get(actor=agent)
    confirmed = steward.post(f"{NOTES}/{note}/confirm", {}, JSON).json()["id"]

    alice = api("alice")
    refused = alice.delete(f"/api/v1/users/{agent.id}")
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.unscoped.filter(id=confirmed).update(actor=None)
    Event.unscoped.filter(id=confirmed).delete()
    deleted = alice.delete(f"/api/v1/users/{agent.id}")

    assert (refused.status_code, deleted.status_code) == (400, 200)
    assert not User.objects.filter(id=agent.id).exists()
    mine.refresh_from_db()
    assert mine.actor_id is None


def test_every_action_names_the_event_that_it_emits() -> None:
    writes = {name: each for name, each in registry.actions().items() if not each.is_read}
    named = {name: action.emits for name, action in writes.items()}

    assert named["pin_note"] == "note.pinned"
    assert all(emits.count(".") == 1 for emits in named.values()), named
