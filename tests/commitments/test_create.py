"""Proposing commitments: permissions, required values, defaults and kinds (content 9.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from collectives.commitments.models import Commitment
from tests.commitments.rows import FOREVER, newest, propose, row_at
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

EVENT = {
    "subtype": "calendar_event",
    "starts_at": "2031-05-13T18:00:00Z",
    "ends_at": "2031-05-13T20:00:00Z",
}


@pytest.mark.rule("commitments.member-creates")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("who", "where"), [("bob", KITCHEN), ("carol", "")])
def test_a_member_creates_a_commitment(world, call, who, where):
    answer = call(who).act("create_commitment", where, title="Deep clean", critical_mass=3)

    answer.assert_done()
    row = newest()
    assert (row.title, row.critical_mass, row.limit) == ("Deep clean", 3, None)
    assert (row.subtype, row.created_by) == ("action", world.user(who))
    if answer.surface == MARKDOWN:
        assert "successfully created" in answer.text


@pytest.mark.rule("commitments.outsider-creates-none")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("handle", ["kitchen", "alice's room"])
def test_a_non_member_cannot_create_a_commitment(world, call, handle):
    room = f"/workspace/{world.workspace('alice').handle}"
    where, status = (KITCHEN, 403) if handle == "kitchen" else (room, 404)

    call("carol").act(
        "create_commitment", where, title="Deep clean", critical_mass=1
    ).assert_refused(status)

    assert not Commitment.unscoped.filter(title="Deep clean").exists()


@pytest.mark.rule("commitments.values-needed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    "sent",
    [
        {"critical_mass": 2},
        {"title": " ", "critical_mass": 2},
        {"title": "Deep clean"},
        {"title": "Deep clean", "critical_mass": ""},
        {"title": "Deep clean", "critical_mass": 0},
        {"title": "Deep clean", "critical_mass": -1},
        {"title": "Deep clean", "critical_mass": "1.5"},
        {"title": "Deep clean", "critical_mass": "many"},
        {"title": "Deep clean", "critical_mass": 2, "subtype": "party"},
        {"title": "Deep clean", "critical_mass": 2, "deadline": "someday"},
    ],
)
def test_a_commitment_without_a_title_or_a_critical_mass_is_not_created(call, sent):
    """Content 24: critical_mass 0 or missing is refused with 400."""
    before = Commitment.unscoped.count()

    call("bob").act("create_commitment", KITCHEN, **sent).assert_invalid()

    assert Commitment.unscoped.count() == before


@pytest.mark.rule("commitments.values-needed")
@on(REST)
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"critical_mass": 2}, "Title can't be blank"),
        ({"title": "Deep clean"}, "Critical mass can't be blank"),
        ({"title": "Deep clean", "critical_mass": "many"}, "Critical mass is not a number"),
        ({"title": "Deep clean", "critical_mass": 0}, "Critical mass must be greater than 0"),
    ],
)
def test_the_api_names_what_is_wrong_with_a_commitment(call, sent, sentence):
    answer = call("bob").act("create_commitment", KITCHEN, **sent)

    assert answer.assert_invalid().json["error"] == f"Validation failed: {sentence}"


@pytest.mark.rule("commitments.workspace-mass")
@on(HTML, MARKDOWN, REST)
def test_the_critical_mass_in_a_private_workspace_is_always_1(world, call):
    room = f"/workspace/{world.workspace('bob').handle}"

    call("bob").act("create_commitment", room, title="Read a book", critical_mass=7).assert_done()

    assert newest().critical_mass == 1


@pytest.mark.rule("commitments.closes-at-mass")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("value", [True, "true"])
def test_a_commitment_that_closes_at_critical_mass_has_it_as_its_limit(call, value):
    call("bob").act(
        "create_commitment", KITCHEN, title="Car", critical_mass=4, close_at_critical_mass=value
    ).assert_done()

    assert newest().limit == 4


@pytest.mark.rule("commitments.deadline-options")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize(
    ("option", "limit", "is_manual"),
    [("no_deadline", None, True), ("close_at_critical_mass", 4, True), ("datetime", None, False)],
)
def test_a_form_selects_when_a_commitment_closes(call, option, limit, is_manual):
    call("bob").act(
        "create_commitment",
        KITCHEN,
        title="Car",
        critical_mass=4,
        deadline_option=option,
        deadline="2031-01-01T12:00",
    ).assert_done()

    row = newest()
    assert row.limit == limit
    assert (row.deadline - timezone.now() > FOREVER) == is_manual
    assert is_manual or row.deadline == datetime(2031, 1, 1, 12, tzinfo=UTC)


@pytest.mark.rule("commitments.deadline-options")
@on(HTML, FORM, MARKDOWN)
def test_a_form_that_selects_a_deadline_requires_one(call):
    call("bob").act(
        "create_commitment", KITCHEN, title="Car", critical_mass=4, deadline_option="datetime"
    ).assert_invalid("deadline")


@pytest.mark.rule("commitments.default-deadline")
@on(HTML, MARKDOWN, REST)
def test_a_commitment_without_a_deadline_is_closed_manually(call):
    call("bob").act("create_commitment", KITCHEN, title="Car", critical_mass=4).assert_done()

    assert newest().deadline - timezone.now() > FOREVER


@pytest.mark.rule("commitments.default-deadline")
@on(HTML, MARKDOWN, REST)
def test_a_calendar_event_without_a_deadline_closes_when_it_starts(call):
    call("bob").act(
        "create_commitment", KITCHEN, title="Dinner", critical_mass=4, location="Hall", **EVENT
    ).assert_done()

    row = newest()
    assert row.deadline == row.starts_at == datetime(2031, 5, 13, 18, tzinfo=UTC)
    assert row.location == "Hall"


@pytest.mark.rule("commitments.event-times")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"starts_at": ""}, "starts_at"),
        ({"ends_at": ""}, "ends_at"),
        ({"ends_at": EVENT["starts_at"]}, "ends_at"),
        ({"ends_at": "2031-05-13T17:00:00Z"}, "ends_at"),
        ({"subtype": "action"}, "starts_at"),
        ({"subtype": "policy", "starts_at": "", "ends_at": "", "location": "Hall"}, "location"),
    ],
)
def test_only_calendar_events_have_a_start_and_a_later_end(call, changed, named):
    before = Commitment.unscoped.count()

    answer = call("bob").act(
        "create_commitment", KITCHEN, title="Dinner", critical_mass=4, **{**EVENT, **changed}
    )

    answer.assert_invalid()
    assert named in answer.text or named.capitalize().replace("_", " ") in answer.text
    assert Commitment.unscoped.count() == before


@pytest.mark.rule("commitments.times-in-zone")
@on(HTML, MARKDOWN)
def test_a_local_time_is_in_the_zone_of_the_collective_unless_another_is_sent(world, call):
    """Content 25.10."""
    kitchen = world.collective("kitchen")
    type(kitchen).unscoped.filter(pk=kitchen.pk).update(timezone="America/New_York")
    local = {"starts_at": "2031-05-13T18:00", "ends_at": "2031-05-13T20:00"}
    bob = call("bob")

    bob.act("create_commitment", KITCHEN, title="A", critical_mass=1, **{**EVENT, **local})
    assert newest().starts_at == datetime(2031, 5, 13, 22, tzinfo=UTC)

    zone = {"timezone": "Europe/Berlin"}
    bob.act("create_commitment", KITCHEN, title="B", critical_mass=1, **{**EVENT, **local, **zone})
    assert newest().starts_at == datetime(2031, 5, 13, 16, tzinfo=UTC)


@pytest.mark.rule("commitments.past-deadline")
def test_a_commitment_with_a_past_deadline_is_closed_immediately(world):
    """REST 1.2: a past deadline on create is accepted."""
    past = (timezone.now() - timedelta(days=1)).isoformat()

    made = Caller(REST, "bob").act(
        "create_commitment", KITCHEN, title="Late", critical_mass=1, deadline=past
    )

    assert made.assert_done().json["closed"] is True
    assert made.json["status"] == "failed"


@pytest.mark.rule("commitments.lengths")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("field", "length"),
    [
        ("title", Commitment.TITLE_LENGTH),
        ("description", Commitment.DESCRIPTION_LENGTH),
        ("location", Commitment.LOCATION_LENGTH),
    ],
)
@pytest.mark.parametrize("over", [0, 1])
def test_the_texts_of_a_commitment_have_a_maximum_length(call, field, length, over):
    sent = {"title": "Dinner", "critical_mass": 2, **EVENT, field: "x" * (length + over)}

    answer = call("bob").act("create_commitment", KITCHEN, **sent)

    if over:
        assert field in answer.assert_invalid().text.lower()
    else:
        answer.assert_done()
        assert len(getattr(newest(), field)) == length


@pytest.mark.rule("commitments.lengths")
@pytest.mark.meets("critical mass of a commitment")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("over", [0, 1])
def test_a_critical_mass_has_a_maximum(call, over):
    mass = Commitment.MAX_CRITICAL_MASS + over

    answer = call("bob").act("create_commitment", KITCHEN, title="All", critical_mass=mass)

    answer.assert_invalid() if over else answer.assert_done()


@pytest.mark.rule("commitments.member-creates")
def test_a_new_commitment_matches_the_documented_object(world):
    """REST 9.1 and 9.2: the object of the example."""
    made = Caller(REST, "bob").act(
        "create_commitment", KITCHEN, title="Deep clean", critical_mass=3, deadline="2031-05-16"
    )

    shown = made.json
    assert shown["deadline"] == "2031-05-16T00:00:00.000Z"
    assert {key: shown[key] for key in ("participant_count", "limit", "status", "closed")} == {
        "participant_count": 0,
        "limit": None,
        "status": "pending",
        "closed": False,
    }
    assert (shown["description"], shown["joined"]) == (None, False)
    assert made.response.headers["Location"].endswith(f"/api/v1/commitments/{shown['id']}")


def test_parameters_can_be_nested_under_commitment(world):
    nested = {"commitment": {"title": "Nested", "critical_mass": "2"}}

    made = Caller(REST, "bob").act("create_commitment", KITCHEN, **nested)

    assert made.json["critical_mass"] == 2
    assert row_at(propose(title="Flat")).title == "Flat"
