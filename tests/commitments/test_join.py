"""Joining and leaving commitments, and the resulting states (content 9.2, 9.3)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectives.commitments.models import CommitmentParticipant, progress
from tests.commitments.rows import close, count, events, is_open, propose, row_at
from tests.fixtures.rows import KITCHEN, change, end_membership, make_member
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on

CLOSED = "This commitment is closed."


def participant(path: str, user: Any) -> CommitmentParticipant:
    rows = CommitmentParticipant.unscoped.filter(commitment=row_at(path))
    row: CommitmentParticipant = rows.get(user=user)
    return row


# --- Joining --------------------------------------------------------------------------------


@pytest.mark.rule("commitments.member-joins")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_member_joins_a_commitment(world, call):
    path = propose(by="alice")

    answer = call("bob").act("join_commitment", path).assert_done()

    row = participant(path, world.user("bob"))
    assert row.committed_at is not None
    assert count(path) == 1
    assert events(path) == ["commitment.created", "commitment.joined"]
    if answer.surface == MARKDOWN:
        assert "joined 'Paint the fence'" in answer.text


@pytest.mark.rule("commitments.member-joins")
@on(HTML, FORM, MARKDOWN, REST)
def test_creating_a_commitment_does_not_join_it(world, call):
    path = propose(by="bob")
    assert count(path) == 0

    call("bob").act("join_commitment", path).assert_done()

    assert count(path) == 1


@pytest.mark.rule("commitments.outsider-joins-none")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_non_member_cannot_join_a_commitment(world, call):
    path = propose()

    call("carol").act("join_commitment", path).assert_refused(403)

    assert count(path) == 0


@pytest.mark.rule("commitments.outsider-joins-none")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_former_member_cannot_join_or_leave(world, call):
    path = propose(by="alice")
    bob = call("bob")
    Caller(REST, "bob").act("join_commitment", path).assert_done()
    end_membership(world, "bob")

    bob.act("join_commitment", path).assert_refused(403)

    assert count(path) == 1


@pytest.mark.rule("commitments.join-once")
@on(HTML, FORM, MARKDOWN, REST)
def test_joining_again_changes_nothing(world, call):
    path = propose(by="alice")
    bob = call("bob")
    bob.act("join_commitment", path).assert_done()
    first = participant(path, world.user("bob"))

    answer = bob.act("join_commitment", path).assert_done()

    again = participant(path, world.user("bob"))
    assert (again.id, again.committed_at) == (first.id, first.committed_at)
    assert events(path).count("commitment.joined") == 1
    if answer.surface == REST:
        assert answer.json["id"] == str(first.id)


@pytest.mark.rule("commitments.closed-stays")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_closed_commitment_cannot_be_joined(call):
    """Content 9.3: 400 over REST and on the route of public forms."""
    path = propose()
    close(path)

    answer = call("alice").act("join_commitment", path)

    answer.assert_refused(400 if answer.surface in (FORM, REST) else 422, CLOSED)
    assert count(path) == 0


@pytest.mark.rule("commitments.join-deleted")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_deleted_commitment_cannot_be_joined(call):
    path = propose()
    Caller(REST, "bob").act("delete_commitment", path).assert_done()

    call("alice").act("join_commitment", path).assert_refused(404)

    assert count(path) == 0


@pytest.mark.rule("commitments.agent-joins")
@on(MARKDOWN, REST)
def test_an_agent_needs_the_capability_to_join(world, call):
    path = propose(by="alice")
    call("scout").act("join_commitment", path).assert_done()
    call("scout").act("leave_commitment", path).assert_done()

    change(world.agent("scout"), capability_names=["create_note"])

    says = "Your capabilities do not include 'join_commitment'"
    call("scout").act("join_commitment", path).assert_refused(403, says)
    call("scout").act("leave_commitment", path).assert_refused(403, says)
    assert count(path) == 0


@pytest.mark.rule("commitments.join-scopes")
@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (["create:commitments"], 200),
        (["create:commitment_participants"], 200),
        (["update:commitments", "create:notes"], 403),
    ],
)
@on(REST)
def test_joining_requires_a_scope_of_commitments_or_participants(call, scopes, status):
    path = propose(by="alice")

    answer = call("bob", scopes=["read:all", *scopes]).act("join_commitment", path)

    assert answer.status == status


@pytest.mark.rule("commitments.unknown")
@on(REST)
def test_joining_an_unknown_commitment_is_not_found(call):
    answer = call("bob").act("join_commitment", f"{KITCHEN}/c/7f000000")

    assert answer.assert_refused(404).json["error"] == "Commitment not found"


# --- Limit and critical mass ----------------------------------------------------------------


@pytest.mark.rule("commitments.limit")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_commitment_closes_when_its_limit_is_reached(world, call):
    """Content 24: join with limit 2 by three users: two joined, closed, the third refused."""
    make_member(world, "carol")
    path = propose(close_at_critical_mass=True)
    for who in ("alice", "bob"):
        assert is_open(path)
        call(who).act("join_commitment", path).assert_done()
    assert not is_open(path)

    answer = call("carol").act("join_commitment", path)

    answer.assert_refused(400 if answer.surface in (FORM, REST) else 422, CLOSED)
    assert count(path) == 2
    shown = Caller(REST, "bob").get(api(path)).json
    assert (shown["status"], shown["closed"], shown["limit"]) == ("achieved", True, 2)


@pytest.mark.rule("commitments.mass-is-minimum")
@on(MARKDOWN, REST)
def test_the_critical_mass_is_a_minimum_not_a_limit(world, call):
    make_member(world, "carol")
    path = propose()
    for who in ("alice", "bob", "carol"):
        call(who).act("join_commitment", path).assert_done()

    assert count(path) == 3
    assert is_open(path)


@pytest.mark.rule("commitments.mass-event")
@on(HTML, FORM, MARKDOWN, REST)
def test_reaching_critical_mass_emits_an_event(world, call):
    """Content 17."""
    path = propose()

    for who in ("alice", "bob"):
        call(who).act("join_commitment", path).assert_done()

    assert sorted(events(path)) == [
        "commitment.created",
        "commitment.critical_mass",
        "commitment.joined",
        "commitment.joined",
    ]


# --- Leaving --------------------------------------------------------------------------------


@pytest.mark.rule("commitments.leave")
@on(HTML, MARKDOWN, REST)
def test_a_participant_leaves_and_joins_again(world, call):
    path = propose(by="alice")
    bob = call("bob")
    bob.act("join_commitment", path).assert_done()
    first = participant(path, world.user("bob"))

    answer = bob.act("leave_commitment", path).assert_done()

    assert count(path) == 0
    assert "commitment.left" in events(path)
    if answer.surface == REST:
        assert (answer.json["id"], answer.json["committed_at"]) == (str(first.id), None)
    bob.act("join_commitment", path).assert_done()
    again = participant(path, world.user("bob"))
    assert again.id == first.id
    assert again.committed_at
    assert first.committed_at
    assert again.committed_at > first.committed_at


@pytest.mark.rule("commitments.leave")
@on(HTML, MARKDOWN, REST)
def test_leaving_without_having_joined_changes_nothing(world, call):
    path = propose(by="alice")

    call("bob").act("leave_commitment", path).assert_done()

    assert count(path) == 0
    assert participant(path, world.user("bob")).committed_at is None
    assert events(path) == ["commitment.created"]


@pytest.mark.rule("commitments.closed-stays")
@on(HTML, MARKDOWN, REST)
def test_a_closed_commitment_cannot_be_left(call):
    path = propose()
    bob = call("bob")
    bob.act("join_commitment", path).assert_done()
    close(path)

    answer = bob.act("leave_commitment", path)

    answer.assert_refused(400 if answer.surface == REST else 422, CLOSED)
    assert count(path) == 1


@pytest.mark.rule("commitments.leave")
@on(REST)
@pytest.mark.parametrize("value", ["false", "off", 0, "0", False], ids=repr)
def test_committed_false_leaves_over_rest(call, value):
    path, bob = propose(), call("bob")
    bob.act("join_commitment", path).assert_done()

    answer = bob.client.post(f"{api(path)}/join", {"committed": value}, "application/json")

    assert answer.status_code == 200
    assert count(path) == 0


@pytest.mark.rule("commitments.leave")
@on(REST)
@pytest.mark.parametrize("value", ["maybe", 2, [], {}], ids=repr)
def test_other_values_of_committed_are_refused(call, value):
    path = propose()

    answer = call("bob").client.post(f"{api(path)}/join", {"committed": value}, "application/json")

    assert answer.status_code == 400
    assert "committed" in answer.text.lower()
    assert count(path) == 0


# --- What is shown --------------------------------------------------------------------------


def api(path: str) -> str:
    base, _, short = path.rpartition("/c/")
    return f"{base}/api/v1/commitments/{short}"


@pytest.mark.rule("commitments.states")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("joined", "is_closed", "state"),
    [
        (0, False, "Pending"),
        (1, False, "Pending"),
        (2, False, "Critical mass achieved."),
        (2, True, "Critical mass achieved."),
        (1, True, "Failed to reach critical mass."),
    ],
)
def test_the_state_of_a_commitment_is_shown_as_a_sentence(call, joined, is_closed, state):
    """Content 9.2."""
    path = propose()
    for who in ("alice", "bob")[:joined]:
        Caller(REST, who).act("join_commitment", path).assert_done()
    if is_closed:
        close(path)

    shown = call("bob").get(path).assert_done().text

    states = {"Pending", "Critical mass achieved.", "Failed to reach critical mass."}
    body = shown.partition("<main")[2] or shown
    assert {each for each in states if each in body} == {state}


@pytest.mark.rule("commitments.states")
@on(MARKDOWN)
def test_markdown_shows_the_progress_in_a_few_lines(call):
    path = propose(by="alice", critical_mass=3)
    Caller(REST, "bob").act("join_commitment", path).assert_done()
    Caller(REST, "scout").act("join_commitment", path).assert_done()

    shown = call("bob").get(path).text

    status = shown.partition("## Status\n")[2].partition("\n## ")[0]
    assert f"`{'#' * 33}{'_' * 17}` 67%" in status
    assert "3 needed" in status
    assert "2 committed, including you" in status
    assert "1 still needed" in status
    names = shown.partition("## Participants\n")[2].partition("\n## ")[0].strip().splitlines()
    assert names == ["* [scout](/u/scout) (ai_agent of [Alice](/u/alice))", "* [Bob](/u/bob)"]


@pytest.mark.rule("commitments.words")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize(
    ("subtype", "button", "noun"),
    [
        ("action", "Join", "participant"),
        ("calendar_event", "RSVP", "attendee"),
        ("policy", "Sign", "signatory"),
    ],
)
def test_each_kind_of_commitment_has_its_own_wording(call, surface, subtype, button, noun):
    times = {"starts_at": "2031-01-01T10:00:00Z", "ends_at": "2031-01-01T11:00:00Z"}
    path = propose(subtype=subtype, **(times if subtype == "calendar_event" else {}))
    bob = call("bob")
    if surface == HTML:
        assert f">{button}</button>" in bob.get(path).text

    Caller(REST, "bob").act("join_commitment", path).assert_done()

    metric = Caller(REST, "bob").get(f"{path}/metric").json
    assert metric == {"metric_title": f"1 {noun}", "metric_value": 1}
    if surface == HTML:
        assert f"1 {noun}" in bob.get(path).text


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_progress_is_100_only_when_the_mass_is_reached_and_rounds_half_up(joined, mass):
    """Content 9.2."""
    shown = progress(joined, mass)

    assert (shown == 100) == (joined >= mass)
    assert 0 <= shown <= 100
    if joined < mass:
        assert shown == min(99, int(joined / mass * 100 + 0.5))
    assert shown <= progress(joined + 1, mass)


@pytest.mark.parametrize(
    ("joined", "mass", "shown"), [(1, 4, 25), (2, 3, 67), (199, 200, 99), (1, 200, 1), (0, 1, 0)]
)
def test_examples_of_progress(joined, mass, shown):
    assert progress(joined, mass) == shown
