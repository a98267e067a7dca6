"""Settings, closing, deadlines, draws and statements (content 6, 7.5 to 7.7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from collectives.decisions import beacon, due
from collectives.decisions.models import AuditEntry, Decision, Option, Vote
from collectives.events.models import Event
from harmonic.kernel.operations.jobs import JobFailed
from tests.decisions.conftest import KITCHEN, Member, draw, fresh, path_of

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _fixed_beacon(settings: Any) -> None:
    settings.BEACON = "test"


def actions_of(decision: Decision) -> list[str]:
    rows = AuditEntry.unscoped.filter(decision=decision).order_by("sequence_number")
    return list(rows.values_list("action", flat=True))


def draws_enqueued() -> int:
    return DBTaskResult.objects.filter(task_path__endswith="due.draw").count()


# --- Creating and settings ------------------------------------------------------------------


@pytest.mark.rule("decisions.create")
@pytest.mark.parametrize(
    ("sent", "status", "sentence"),
    [
        ({"question": " "}, 422, "question is required"),
        ({"question": "x" * 1001}, 422, "question is too long (maximum 1000 characters)"),
        ({"question": "x", "subtype": "poll"}, 422, "subtype must be one of"),
        ({"question": "x", "deadline": "soon"}, 422, "deadline must be a valid time"),
        ({"question": "x", "decision_maker": "nobody"}, 404, "User with handle 'nobody'"),
        ({"question": "x", "decision_maker": "carol"}, 404, "User with handle 'carol'"),
        ({"question": "x", "options": ["a", "A"]}, 422, "has already been taken"),
    ],
)
def test_an_invalid_decision_is_not_created(alice: Member, sent: Any, status: int, sentence: str):
    count = Decision.unscoped.count()

    response = alice.act(f"{KITCHEN}/decide", "create_decision", **sent)

    assert response.status_code == status
    assert sentence in response.content.decode().replace("\\", "")
    assert Decision.unscoped.count() == count


@pytest.mark.rule("decisions.deadline")
def test_a_deadline_is_optional_and_never_in_the_past(alice: Member):
    without = alice.decide("Without?")
    relative = alice.decide("In three days?", deadline="3d")
    past = alice.decide("Past?", deadline="2020-01-01")

    assert without.deadline.year == timezone.now().year + 100
    assert abs(relative.deadline - timezone.now() - timedelta(days=3)) < timedelta(minutes=1)
    assert past.deadline == past.created_at
    assert alice.rest("get", f"/decisions/{past.id}").json()["status"] == "closed"


@pytest.mark.rule("decisions.settings-creator")
def test_only_the_creator_can_change_settings(alice: Member, bob: Member):
    decision = alice.decide()

    refused = bob.act(f"{path_of(decision)}/settings", "update_decision_settings", question="x")
    over_rest = bob.rest("put", f"/decisions/{decision.id}", {"question": "x"})

    assert refused.status_code == 403
    assert (over_rest.status_code, over_rest.json()["error"]) == (403, "Unauthorized")
    assert "update_decision_settings" not in bob.read(f"{path_of(decision)}/settings")
    assert fresh(decision).question == decision.question


@pytest.mark.rule("decisions.settings-blank")
def test_blank_settings_are_kept_and_a_blank_decision_maker_is_cleared(alice: Member, world: Any):
    decision = alice.decide(decision_maker="@bob", description="Gas is cheap.")
    place = f"/decisions/{decision.id}"
    assert decision.decision_maker_id == world.user("bob").id

    kept = alice.rest("put", place, {"question": "", "description": None, "options_open": None})
    cleared = alice.rest("put", place, {"decision_maker": None})
    again = alice.rest("put", place, {"decision_maker_id": str(world.user("bob").id)})

    assert kept.json()["description"] == "Gas is cheap."
    assert kept.json()["decision_maker_id"] == str(world.user("bob").id)
    assert cleared.json()["decision_maker_id"] is None
    assert again.json()["decision_maker_id"] == str(world.user("bob").id)
    assert actions_of(decision).count("decision_updated") == 2
    assert alice.rest("put", "/decisions/00000000", {}).json()["error"] == "Decision not found"


@pytest.mark.rule("decisions.closed-fixed")
def test_deadline_and_options_policy_cannot_change_after_closing(alice: Member):
    decision = alice.decide()
    alice.act(path_of(decision), "close_decision")
    place = f"/decisions/{decision.id}"

    def error(**sent: Any) -> tuple[int, str]:
        response = alice.rest("put", place, sent)
        return response.status_code, response.json().get("error", "")

    assert error(options_open=False) == (
        *(400, "Cannot change options policy on a closed decision"),
    )
    assert error(deadline="2100-01-01") == (400, "Cannot change deadline on a closed decision")
    assert error(question="Which oven did we buy?") == (200, "")
    page = alice.act(f"{path_of(decision)}/settings", "update_decision_settings", deadline="3d")
    assert page.status_code == 422


@pytest.mark.rule("decisions.past-closes")
def test_a_deadline_in_the_past_closes_the_decision(alice: Member):
    decision = alice.decide()

    alice.rest("put", f"/decisions/{decision.id}", {"deadline": "2020-01-01"})

    assert fresh(decision).deadline <= timezone.now()
    assert actions_of(decision)[-1] == "decision_closed"


@pytest.mark.rule("decisions.executive-settings")
def test_the_creator_cannot_close_an_executive_decision_of_another_in_the_settings(
    alice: Member,
):
    decision = alice.decide(subtype="executive", decision_maker="bob")

    response = alice.rest("put", f"/decisions/{decision.id}", {"deadline": "2020-01-01"})

    assert response.status_code == 403
    assert "@bob" in response.json()["hint"]
    assert fresh(decision).deadline > timezone.now()


@pytest.mark.rule("decisions.duplicate")
def test_any_member_can_duplicate_a_decision_without_its_votes(alice: Member, bob: Member):
    decision = alice.decide(description="Gas is cheap.", deadline="3d")
    alice.vote(decision, Gas="a")
    alice.act(path_of(decision), "close_decision", final_statement="Gas.")

    response = bob.act(f"{path_of(decision)}/duplicate", "duplicate_decision")

    assert response.status_code == 200
    copy = Decision.unscoped.get(title="Which oven do we buy? (copy)")
    assert (copy.description, copy.created_by_id == decision.created_by_id) == (
        *("Gas is cheap.", False),
    )
    assert sorted(Option.unscoped.filter(decision=copy).values_list("title", flat=True)) == [
        "Electric",
        "Gas",
    ]
    assert not Vote.unscoped.filter(decision=copy).exists()
    assert copy.statement_id is None
    assert copy.deadline.year > timezone.now().year + 50


# --- Closing --------------------------------------------------------------------------------


@pytest.mark.rule("decisions.close-creator")
def test_only_the_creator_can_close_a_vote_and_only_once(alice: Member, bob: Member):
    decision = alice.decide()

    refused = bob.act(path_of(decision), "close_decision")
    closed = alice.act(path_of(decision), "close_decision", final_statement="Gas it is.")
    again = alice.act(path_of(decision), "close_decision")
    over_rest = alice.rest("post", f"/decisions/{decision.id}/close")

    assert refused.status_code == 403
    assert "Decision closed." in closed.content.decode()
    assert again.status_code == 409
    assert "already closed" in again.content.decode()
    assert over_rest.status_code == 400
    assert actions_of(decision).count("decision_closed") == 1
    text = bob.read(path_of(decision))
    assert "Final Statement" in text
    assert "Gas it is." in text


@pytest.mark.rule("decisions.close-maker")
def test_only_the_decision_maker_can_close_an_executive_decision(alice: Member, bob: Member):
    """Content 24: creator closes while another is maker; an unknown selection closes nothing."""
    decision = alice.decide(subtype="executive", decision_maker="bob")
    path = path_of(decision)

    by_creator = alice.act(path, "close_decision", selections=["Gas"])
    unknown = bob.act(path, "close_decision", selections=["Gas", "Coal"])
    assert fresh(decision).deadline > timezone.now()
    by_maker = bob.act(path, "close_decision", selections=["Gas"], final_statement="Gas.")

    assert by_creator.status_code == 403
    assert "@bob" in by_creator.content.decode()
    assert unknown.status_code == 422
    assert "Unknown option(s): Coal" in unknown.content.decode()
    assert by_maker.status_code == 200
    text = alice.read(path)
    assert "## Selection" in text
    assert "[✅] Gas" in text
    assert "[ ] Electric" in text
    assert actions_of(decision)[-3:] == ["vote_cast", "vote_cast", "decision_closed"]
    assert fresh(decision).audit_chain_hash
    assert draws_enqueued() == 0
    assert "All checks passed" in alice.read(f"{path}/verify").replace("Completed", "All")


def test_an_empty_selection_is_allowed(alice: Member):
    decision = alice.decide(subtype="executive")

    assert alice.act(path_of(decision), "close_decision", selections=[]).status_code == 200
    assert alice.rest("get", f"/decisions/{decision.id}").json()["voter_count"] == 1


@pytest.mark.rule("decisions.statement")
def test_a_statement_requires_a_closed_decision_and_its_closer(alice: Member, bob: Member):
    decision = alice.decide()
    path = path_of(decision)

    early = alice.act(path, "add_statement", text="Gas.")
    assert "Decision must be closed to add a statement." in early.content.decode()
    alice.act(path, "close_decision")
    assert bob.act(path, "add_statement", text="Gas.").status_code == 403
    assert alice.act(path, "add_statement", text="  ").status_code == 422
    saved = alice.act(path, "add_statement", text="Gas.")
    again = alice.act(path, "add_statement", final_statement="Electric.")

    assert "Statement saved." in saved.content.decode()
    assert again.status_code == 200
    statement = fresh(decision).statement
    assert statement is not None
    assert statement.note.text == "Electric."
    assert statement.subtype == "statement"
    feed = alice.read(KITCHEN)
    assert f"/n/{statement.truncated_id}" not in feed
    note = alice.rest("get", f"/notes/{statement.truncated_id}").json()
    assert (note["subtype"], note["statementable_type"]) == ("statement", "Decision")
    assert note["statementable_id"] == str(decision.id)


# --- Deadlines and draws --------------------------------------------------------------------


@pytest.mark.rule("decisions.deadline-recorded")
def test_a_passed_deadline_is_recorded_once_with_one_draw(alice: Member):
    """Content 24: close + deadline job: one `decision_closed`, one draw."""
    decision = alice.decide(deadline="1h")
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        for _ in range(3):
            due.record_deadlines()
    closed = alice.decide("Closed by hand?")
    alice.act(path_of(closed), "close_decision")
    for _ in range(2):
        due.record_deadlines()

    for each in (decision, closed):
        assert actions_of(each).count("decision_closed") == 1
        fired = Event.unscoped.filter(item=each.id, verb="deadline_reached")
        assert fired.count() == 1
        assert fired.get().happened_at == fresh(each).deadline
    assert draws_enqueued() == 2
    entry = AuditEntry.unscoped.get(decision=decision, action="decision_closed")
    assert entry.actor_id == decision.created_by_id


@pytest.mark.rule("decisions.deadline-recorded")
def test_late_deadlines_are_recorded_oldest_first(alice: Member, monkeypatch: pytest.MonkeyPatch):
    due.record_deadlines()
    late = alice.decide("Late?", deadline="2h")
    early = alice.decide("Early?", deadline="1h")
    monkeypatch.setattr(due, "BATCH", 1)

    with time_machine.travel(timezone.now() + timedelta(days=2), tick=False):
        due.record_deadlines()
        assert fresh(early).deadline_event_fired_at
        assert not fresh(late).deadline_event_fired_at
        due.record_deadlines()

    assert fresh(late).deadline_event_fired_at


@pytest.mark.rule("decisions.deadline-recorded")
def test_deleted_decisions_are_skipped(alice: Member):
    decision = alice.decide(deadline="1h")
    alice.act(f"{path_of(decision)}/settings", "delete_decision")

    with time_machine.travel(timezone.now() + timedelta(days=1), tick=False):
        due.record_deadlines()

    assert fresh(decision).deadline_event_fired_at is None


@pytest.mark.rule("decisions.draw-once")
def test_a_draw_is_stored_once(alice: Member, monkeypatch: pytest.MonkeyPatch):
    decision = alice.decide(subtype="lottery")
    draw(decision)
    assert not fresh(decision).is_drawn
    alice.act(path_of(decision), "close_decision")
    assert "Drawing" in alice.read(path_of(decision))

    draw(decision)
    monkeypatch.setattr(beacon, "TEST_RANDOMNESS", "cafe")
    draw(decision)

    drawn = fresh(decision)
    assert (drawn.lottery_beacon_round, drawn.lottery_beacon_randomness) == (1, "deadbeef")
    assert actions_of(decision)[-1] == "beacon_drawn"
    assert actions_of(decision).count("beacon_drawn") == 1
    shown = alice.rest("get", f"/decisions/{decision.id}").json()
    assert shown["lottery_beacon_randomness"] == "deadbeef"
    assert shown["audit_chain_hash"] == drawn.audit_chain_hash
    assert "All checks passed" in alice.read(f"{path_of(decision)}/verify").replace(
        "Completed checks", "All checks"
    )


@pytest.mark.rule("decisions.draw-once")
def test_a_draw_is_retried_while_the_beacon_is_unavailable(
    alice: Member, monkeypatch: pytest.MonkeyPatch
):
    decision = alice.decide(subtype="lottery")
    alice.act(path_of(decision), "close_decision")

    def fails(deadline: Any) -> Any:
        raise beacon.BeaconUnavailable("No relay answered.")

    monkeypatch.setattr(beacon, "draw_after", fails)
    with pytest.raises(JobFailed):
        draw(decision)

    assert not fresh(decision).is_drawn


# --- Deletion -------------------------------------------------------------------------------


@pytest.mark.rule("decisions.deleted")
def test_a_deleted_decision_keeps_only_its_page(alice: Member, bob: Member, page: Any):
    decision = alice.decide("Shall we delete this?")
    bob.vote(decision, Gas="a")
    path = path_of(decision)
    assert bob.act(f"{path}/settings", "delete_decision").status_code == 403

    alice.act(f"{path}/settings", "delete_decision")

    text = bob.read(path)
    assert "# Decision [deleted]" in text
    assert "Shall we delete this" not in text
    assert bob.rest("get", f"/decisions/{decision.id}").status_code == 404
    assert bob.vote(decision, Gas="").status_code == 404
    for below in ("settings", "voters", "verify", "duplicate"):
        assert bob.client.get(f"{path}/{below}").status_code == 404
    restored = page("alice").post(f"{path}/actions/restore_decision")
    assert restored.status_code == 303
    assert "Shall we delete this" in bob.read(path)
