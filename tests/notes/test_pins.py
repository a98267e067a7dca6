"""Pins: permissions, where they are shown, and their limit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from collectives.items.models import Pin
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.rows import KITCHEN, end_membership, make_member, note_path, write_notes
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World

WELCOME, KNIFE, OPEN = "Welcome to the kitchen", "Knife care", "The garden opens at eight"


def pins(world: World, title: str) -> list[Pin]:
    return list(Pin.unscoped.filter(item_id=world.note(title).pk))


def owners(world: World, title: str) -> list[str]:
    """Return the handles of the people who pinned a note of the main collective."""
    pinned = Pin.unscoped.filter(item_id=world.note(title).pk).order_by("person__handle")
    return list(pinned.values_list("person__handle", flat=True))


def write(where: str, title: str, by: str = "bob") -> str:
    made = Caller(REST, by).act("create_note", where, title=title, text="Text").assert_done()
    return str(made.json["path"])


@pytest.mark.rule("pins.member")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_member_pins_and_unpins_the_note_of_another(world, call):
    write(KITCHEN, "Zwieback", by="alice")
    path = note_path(world.note("Zwieback"))
    bob = call("bob")

    bob.act("pin_note", path).assert_done()
    assert len(pins(world, "Zwieback")) == 1
    assert "Zwieback" in Caller(MARKDOWN, "alice").get(f"{KITCHEN}/").text

    call("alice").act("unpin_note", path).assert_done()
    assert pins(world, "Zwieback") == []


@pytest.mark.rule("pins.not-outsider")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("action", ["pin_note", "unpin_note"])
def test_a_non_member_cannot_pin_or_unpin(world, call, action):
    make_member(world, "carol")
    if action == "unpin_note":
        Caller(HTML, "bob").act("pin_note", note_path(world.note(KNIFE))).assert_done()
    before = len(pins(world, KNIFE))
    carol = call("carol")
    end_membership(world, "carol")

    carol.act(action, note_path(world.note(KNIFE))).assert_refused(403)

    assert len(pins(world, KNIFE)) == before


@pytest.mark.rule("pins.idempotent")
@on(HTML, FORM, MARKDOWN, REST)
def test_pinning_again_keeps_the_first_pin(world, call):
    path = note_path(world.note(KNIFE))
    call("bob").act("pin_note", path).assert_done()
    first = pins(world, KNIFE)

    call("alice").act("pin_note", path)

    assert [(pin.pk, pin.pinned_at) for pin in pins(world, KNIFE)] == [
        (pin.pk, pin.pinned_at) for pin in first
    ]


@pytest.mark.rule("pins.idempotent", "pins.personal-in-main")
@on(HTML, FORM, MARKDOWN, REST)
def test_pinning_again_in_the_main_collective_keeps_the_first_pin(world, call):
    path, bob = note_path(world.note(OPEN)), call("bob")
    bob.act("pin_note", path).assert_done()
    first = pins(world, OPEN)

    bob.act("pin_note", path)

    assert [(pin.pk, pin.pinned_at) for pin in pins(world, OPEN)] == [
        (pin.pk, pin.pinned_at) for pin in first
    ]


@pytest.mark.rule("pins.idempotent")
@on(HTML, FORM, MARKDOWN, REST)
def test_unpinning_an_unpinned_note_changes_nothing(world, call):
    count = Pin.unscoped.count()

    assert call("bob").act("unpin_note", note_path(world.note(KNIFE))).status < 500

    assert Pin.unscoped.count() == count


@pytest.mark.rule("pins.newest-first")
@pytest.mark.parametrize("surface", [HTML, MARKDOWN])
def test_pins_are_listed_newest_first(world, surface):
    for title in ("Zwieback", "Almonds"):
        Caller(HTML, "bob").act("pin_note", write("", title)).assert_done()

    text = Caller(surface, "bob").get("/u/bob").assert_done().text
    listed = Caller(REST, "bob").get("/api/v1/users/bob").json["pinned_items"]

    assert text.index("Almonds") < text.index("Zwieback")
    assert [pin["item"]["title"] for pin in listed] == ["Almonds", "Zwieback"]


@pytest.mark.rule("pins.personal-in-main")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_pin_in_the_main_collective_is_personal(world, call):
    path = note_path(world.note(OPEN))

    call("bob").act("pin_note", path).assert_done()
    call("carol").act("unpin_note", path)

    assert owners(world, OPEN) == ["bob"]
    rest = Caller(REST, "carol")
    assert len(rest.get("/api/v1/users/bob").json["pinned_items"]) == 1
    assert rest.get("/api/v1/users/carol").json["pinned_items"] == []


@pytest.mark.rule("pins.personal-in-main")
@on(HTML, FORM, MARKDOWN, REST)
def test_unpinning_in_the_main_collective_removes_the_callers_own_pin_only(world, call):
    path = note_path(world.note(OPEN))
    for who in ("bob", "carol"):
        call(who).act("pin_note", path).assert_done()

    call("bob").act("unpin_note", path).assert_done()

    assert owners(world, OPEN) == ["carol"]


@pytest.mark.rule("pins.personal-in-main")
@on(HTML, FORM, MARKDOWN, REST)
def test_two_people_pin_the_same_note_of_the_main_collective(world, call):
    path = note_path(world.note(OPEN))

    call("bob").act("pin_note", path).assert_done()
    call("carol").act("pin_note", path).assert_done()

    assert owners(world, OPEN) == ["bob", "carol"]


@pytest.mark.rule("pins.not-on-profile")
def test_a_profile_does_not_show_pins_of_other_collectives(world):
    Caller(HTML, "bob").act("pin_note", note_path(world.note(KNIFE))).assert_done()

    assert KNIFE not in str(Caller(REST, "bob").get("/api/v1/users/bob").json["pinned_items"])


@pytest.mark.rule("pins.boolean")
def test_the_pin_route_pins_and_unpins_with_a_json_boolean(world, page):
    path, bob = f"{note_path(world.note(KNIFE))}/pin", page("bob")

    for pinned, title in ((True, "Unpin"), (False, "Pin")):
        answer = bob.put(path, {"pinned": pinned}, "application/json")
        assert answer.json() == {"pinned": pinned, "click_title": title}
        assert bool(pins(world, KNIFE)) is pinned


@pytest.mark.rule("pins.boolean")
@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/x-www-form-urlencoded", "pinned={}"),
        (
            "multipart/form-data; boundary=x",
            '--x\r\nContent-Disposition: form-data; name="pinned"\r\n\r\n{}\r\n--x--\r\n',
        ),
    ],
    ids=["urlencoded", "multipart"],
)
def test_the_pin_route_pins_and_unpins_with_a_form(world, page, content_type, form):
    path, bob = f"{note_path(world.note(KNIFE))}/pin", page("bob")

    for pinned in (True, False):
        answer = bob.put(path, form.format(str(pinned).lower()), content_type)
        assert answer.json()["pinned"] is pinned
        assert bool(pins(world, KNIFE)) is pinned


@pytest.mark.rule("pins.boolean")
@pytest.mark.parametrize(
    ("content_type", "sent"),
    [
        ("application/x-www-form-urlencoded", "pinned=maybe"),
        ("application/x-www-form-urlencoded", "pinned=2"),
        ("application/x-www-form-urlencoded", ""),
        ("application/json", '{"pinned": ""}'),
        ("application/json", "{}"),
    ],
)
def test_the_pin_route_refuses_values_other_than_booleans(world, page, content_type, sent):
    path = f"{note_path(world.note(KNIFE))}/pin"

    answer = page("bob").put(path, sent, content_type)

    assert answer.status_code in (400, 422)
    assert pins(world, KNIFE) == []


# --- The limit ------------------------------------------------------------------------------


def fill(world: World, handle: str, count: int, *, person: str | None = None) -> None:
    """Store pins, each of a note of its own."""
    place = world.collective(handle)
    notes = write_notes(world, place, count)
    with tenant_bound(place.tenant_id):
        Pin.objects.bulk_create(
            Pin(
                tenant=place.tenant,
                collective=place,
                person=world.person(person) if person else None,
                item_id=note.id,
                pinned_at=timezone.now() - timedelta(minutes=number),
            )
            for number, note in enumerate(notes)
        )


@pytest.mark.rule("pins.fifty")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("already", "may"), [(49, True), (50, False)])
def test_a_collective_has_at_most_fifty_pins(world, call, already, may):
    Pin.unscoped.filter(collective=world.collective("kitchen")).delete()
    fill(world, "kitchen", already)

    answer = call("bob").act("pin_note", note_path(world.note(KNIFE)))

    assert answer.is_done() is may
    assert bool(pins(world, KNIFE)) is may
    if not may:
        answer.assert_invalid("50")


@pytest.mark.rule("pins.fifty")
def test_the_refusal_of_another_pin_has_a_code(world, page):
    fill(world, "kitchen", 50)

    answer = page("bob").put(
        f"{note_path(world.note(KNIFE))}/pin",
        {"pinned": True},
        "application/json",
        headers={"accept": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "limit_reached")


@pytest.mark.rule("pins.fifty")
@on(HTML, FORM, MARKDOWN, REST)
def test_pins_of_another_collective_do_not_count(world, call):
    Pin.unscoped.all().delete()
    fill(world, world.workspace("bob").handle, 50)

    call("bob").act("pin_note", note_path(world.note(KNIFE))).assert_done()

    assert len(pins(world, KNIFE)) == 1


@pytest.mark.rule("pins.fifty")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_limit_of_fifty_pins_is_personal_in_the_main_collective(world, call):
    fill(world, "garden", 50, person="bob")

    assert not call("bob").act("pin_note", note_path(world.note(OPEN))).is_done()
    call("carol").act("pin_note", note_path(world.note(OPEN))).assert_done()
    call("bob").act("pin_note", note_path(world.note(KNIFE))).assert_done()

    assert owners(world, OPEN) == ["carol"]


@pytest.mark.rule("pins.fifty")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_note_can_be_pinned_after_another_is_unpinned(world, call):
    Pin.unscoped.filter(collective=world.collective("kitchen")).delete()
    fill(world, "kitchen", 49)
    bob = call("bob")
    bob.act("pin_note", note_path(world.note(KNIFE))).assert_done()
    assert not bob.act("pin_note", note_path(world.note(WELCOME))).is_done()

    bob.act("unpin_note", note_path(world.note(KNIFE))).assert_done()

    bob.act("pin_note", note_path(world.note(WELCOME))).assert_done()
