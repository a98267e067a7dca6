"""Changing and closing commitments: permissions and closed commitments (content 9.4, 25.11)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from collectives.commitments.models import Commitment
from tests.commitments.rows import close, events, is_open, propose, row_at
from tests.commitments.test_create import EVENT
from tests.fixtures.rows import end_membership, make_member
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

UPDATE = "update_commitment_settings"
NOT_LOWERED = "Cannot lower critical mass after participants have joined"


@pytest.mark.rule("commitments.creator-changes")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_creator_changes_a_commitment(world, call):
    path = propose()

    call("bob").act(
        UPDATE, path, title="Paint the gate", description="Green", critical_mass=5
    ).assert_done()

    row = row_at(path)
    assert (row.title, row.description, row.critical_mass) == ("Paint the gate", "Green", 5)
    assert row.updated_at > row.created_at
    assert events(path) == ["commitment.created", "commitment.updated"]


@pytest.mark.rule("commitments.only-creator-changes")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "scout"])
def test_only_the_creator_changes_a_commitment(world, call, who):
    if who == "scout":
        who = "carol"
        make_member(world, "carol", is_admin=True)
    path = propose()

    answer = call(who).act(UPDATE, path, title="Mine").assert_refused(403)

    assert row_at(path).title == "Paint the fence"
    if answer.surface == REST:
        assert answer.json["error"] == "Unauthorized"


@pytest.mark.rule("commitments.only-creator-changes")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_former_member_cannot_change_their_commitment(world, call):
    path, bob = propose(), call("bob")
    end_membership(world, "bob")

    bob.act(UPDATE, path, title="Still mine").assert_refused(403)

    assert row_at(path).title == "Paint the fence"


@pytest.mark.rule("commitments.blank-unchanged")
@on(HTML, FORM, MARKDOWN, REST)
def test_blank_values_do_not_change_a_commitment(call):
    path = propose(description="Green")
    before = Commitment.unscoped.filter(pk=row_at(path).pk).values().get()
    blank = {"title": "", "description": " ", "critical_mass": "", "deadline": "", "location": ""}

    call("bob").act(UPDATE, path, **blank).assert_done()

    assert Commitment.unscoped.filter(pk=row_at(path).pk).values().get() == before
    assert events(path) == ["commitment.created"]


@pytest.mark.rule("commitments.mass-not-lowered")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_critical_mass_cannot_be_lowered_after_a_member_joined(call):
    """Content 24: 400, unchanged."""
    path, bob = propose(critical_mass=5), call("bob")
    bob.act(UPDATE, path, critical_mass=4).assert_done()
    Caller(REST, "alice").act("join_commitment", path).assert_done()

    bob.act(UPDATE, path, critical_mass=3, title="Other").assert_invalid(NOT_LOWERED)
    assert (row_at(path).critical_mass, row_at(path).title) == (4, "Paint the fence")

    bob.act(UPDATE, path, critical_mass=6).assert_done()
    assert row_at(path).critical_mass == 6


@pytest.mark.rule("commitments.mass-not-lowered")
@on(HTML, MARKDOWN, REST)
def test_the_critical_mass_can_be_lowered_after_all_members_left(call):
    path = propose(critical_mass=5)
    Caller(REST, "alice").act("join_commitment", path).assert_done()
    Caller(REST, "alice").act("leave_commitment", path).assert_done()

    call("bob").act(UPDATE, path, critical_mass=3).assert_done()

    assert row_at(path).critical_mass == 3


@pytest.mark.rule("commitments.workspace-mass")
@on(HTML, MARKDOWN, REST)
def test_the_critical_mass_in_a_private_workspace_does_not_change(world, call):
    path = propose(f"/workspace/{world.workspace('bob').handle}")

    call("bob").act(UPDATE, path, critical_mass=3).assert_done()

    assert row_at(path).critical_mass == 1


@pytest.mark.rule("commitments.limit-follows")
@on(HTML, MARKDOWN, REST)
def test_a_limit_equal_to_the_critical_mass_changes_with_it(call):
    path = propose(close_at_critical_mass=True)

    call("bob").act(UPDATE, path, critical_mass=7).assert_done()

    assert (row_at(path).critical_mass, row_at(path).limit) == (7, 7)


# --- Deadline -------------------------------------------------------------------------------


@pytest.mark.rule("commitments.deadline-moves")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_creator_moves_the_deadline_of_an_open_commitment(call):
    path = propose(close_at_critical_mass=True)

    call("bob").act(UPDATE, path, deadline="2031-05-16").assert_done()

    assert row_at(path).deadline == datetime(2031, 5, 16, tzinfo=UTC)
    assert row_at(path).limit == 2


@pytest.mark.rule("commitments.deadline-moves")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize(
    ("option", "limit"), [("", 2), ("no_deadline", None), ("close_at_critical_mass", 2)]
)
def test_a_form_changes_when_a_commitment_closes(call, option, limit):
    path = propose(close_at_critical_mass=True)

    call("bob").act(UPDATE, path, title="Gate", deadline_option=option).assert_done()

    assert row_at(path).limit == limit


@pytest.mark.rule("commitments.deadline-moves")
@on(HTML, MARKDOWN)
def test_limiting_a_commitment_that_reached_critical_mass_closes_it(call):
    path = propose(critical_mass=1)
    Caller(REST, "alice").act("join_commitment", path).assert_done()

    call("bob").act(UPDATE, path, deadline_option="close_at_critical_mass").assert_done()

    assert not is_open(path)


@pytest.mark.rule("commitments.creator-closes")
@on(HTML, FORM, MARKDOWN)
def test_the_creator_closes_a_commitment(call):
    path = propose()

    call("bob").act(UPDATE, path, deadline_option="close_now").assert_done()

    assert not is_open(path)


@pytest.mark.rule("commitments.creator-closes")
@on(MARKDOWN, REST)
def test_a_deadline_in_the_past_closes_a_commitment_now(call):
    path = propose()

    call("bob").act(UPDATE, path, deadline="2020-01-01").assert_done()

    assert not is_open(path)
    assert row_at(path).deadline.year == timezone.now().year


@pytest.mark.rule("commitments.closed-keeps")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"deadline": "2031-01-01"}, "Cannot change deadline on a closed commitment"),
        ({"critical_mass": 9}, "Cannot change critical mass on a closed commitment"),
    ],
)
def test_a_closed_commitment_keeps_its_deadline_and_critical_mass(call, sent, sentence):
    """Content 25.11."""
    path = propose()
    close(path)
    before = row_at(path)

    call("bob").act(UPDATE, path, **sent).assert_invalid(sentence)

    after = row_at(path)
    assert (after.deadline, after.critical_mass, after.limit) == (
        before.deadline,
        before.critical_mass,
        before.limit,
    )


@pytest.mark.rule("commitments.closed-keeps")
@on(HTML, FORM, MARKDOWN, REST)
def test_the_texts_of_a_closed_commitment_can_change(call):
    path = propose()
    close(path)

    call("bob").act(UPDATE, path, title="Painted", description="Done").assert_done()

    assert (row_at(path).title, row_at(path).description) == ("Painted", "Done")


# --- Calendar events ------------------------------------------------------------------------


@pytest.mark.rule("commitments.event-times")
@on(HTML, MARKDOWN, REST)
def test_a_deadline_equal_to_the_start_of_an_event_moves_with_it(call):
    path = propose(**EVENT)
    later = {"starts_at": "2031-06-01T18:00:00Z", "ends_at": "2031-06-01T20:00:00Z"}

    call("bob").act(UPDATE, path, **later, location="Garden").assert_done()

    row = row_at(path)
    assert row.starts_at == row.deadline == datetime(2031, 6, 1, 18, tzinfo=UTC)
    assert row.location == "Garden"


@pytest.mark.rule("commitments.event-times")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize(
    ("subtype", "sent"),
    [
        ("calendar_event", {"starts_at": "2032-01-01T18:00:00Z"}),
        ("action", {"starts_at": "2032-01-01T18:00:00Z"}),
        ("policy", {"location": "Garden"}),
    ],
)
def test_invalid_times_change_nothing(call, subtype, sent):
    path = propose(**(EVENT if subtype == "calendar_event" else {"subtype": subtype}))
    before = row_at(path).starts_at

    call("bob").act(UPDATE, path, **sent).assert_invalid()

    assert row_at(path).starts_at == before


@pytest.mark.rule("commitments.event-status")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("starts", "ends", "status"),
    [
        ("2031-01-01T10:00:00Z", "2031-01-01T11:00:00Z", "Upcoming"),
        ("2020-01-01T10:00:00Z", "2031-01-01T11:00:00Z", "Happening now"),
        ("2020-01-01T10:00:00Z", "2020-01-01T11:00:00Z", "Past"),
    ],
)
def test_an_event_shows_its_status(call, starts, ends, status):
    path = propose(subtype="calendar_event", starts_at=starts, ends_at=ends)

    shown = call("bob").get(path).text

    assert {each for each in ("Upcoming", "Happening now", "Past") if each in shown} == {status}
