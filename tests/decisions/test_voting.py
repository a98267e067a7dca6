"""Voting and results (content 7.3, 7.4)."""

from __future__ import annotations

from typing import Any

import pytest

from collectives.decisions.models import AuditEntry, Decision, Option, Vote
from tests.decisions.conftest import Member, MemberFor, draw, fresh, path_of

CLOSED = "This decision is closed and no longer accepting votes."
EXECUTIVE = "Executive decisions do not accept votes."
LOTTERY = "Lottery decisions do not accept votes."


def votes(decision: Decision) -> dict[tuple[str, str], tuple[int, int]]:
    rows = Vote.unscoped.filter(decision=decision).select_related("option")
    handles = {
        str(entry.actor_id): entry.actor_handle
        for entry in AuditEntry.unscoped.filter(decision=decision)
    }
    return {
        (handles[str(row.participant.user_id)], row.option.title): (row.accepted, row.preferred)
        for row in rows
    }


@pytest.mark.rule("decisions.vote")
def test_votes_on_other_options_are_kept(alice: Member, bob: Member):
    decision = alice.decide()

    first = bob.vote(decision, Gas="a", Electric="ap")
    second = bob.vote(decision, Gas="")

    assert (first.status_code, second.status_code) == (200, 200)
    assert "Voted on 2 options" in first.content.decode()
    assert votes(decision) == {("bob", "Gas"): (0, 0), ("bob", "Electric"): (1, 1)}


@pytest.mark.rule("decisions.vote-all-or-none")
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "votes parameter is required"),
        ({"votes": []}, "votes parameter is required"),
        ({"votes": "Gas"}, "votes must be an array"),
        ({"votes": [{"accept": True}]}, "option_title is required for each vote"),
        ({"votes": [{"option_title": " "}]}, "option_title is required for each vote"),
        (
            {"votes": [{"option_title": "Gas"}, {"option_title": "Coal"}]},
            "Option 'Coal' not found",
        ),
        ({"votes": [{"option_title": "Gas", "accept": "perhaps"}]}, "accept must be true or false"),
    ],
)
def test_an_invalid_vote_saves_nothing(bob: Member, alice: Member, sent: Any, sentence: str):
    decision = alice.decide()

    response = bob.act(path_of(decision), "vote", **sent)

    assert response.status_code == 422
    assert sentence in response.content.decode().replace("\\", "")
    assert votes(decision) == {}


def test_aliases_and_booleans_of_clients_are_accepted(alice: Member):
    decision = alice.decide()

    alice.act(
        path_of(decision),
        "vote",
        votes=[
            {"option_title": "Gas", "accepted": "true", "preferred": 1},
            {"option_title": "Electric", "accept": "false", "prefer": None},
        ],
    )

    assert votes(decision) == {("alice", "Gas"): (1, 1), ("alice", "Electric"): (0, 0)}


@pytest.mark.rule("decisions.vote-for-nothing")
def test_voting_for_no_option_shows_the_results(alice: Member, bob: Member):
    """Content 24: vote {accept:false, prefer:false} only."""
    decision = alice.decide()
    before = bob.read(path_of(decision))

    bob.vote(decision, Gas="")

    after = bob.read(path_of(decision))
    assert "Submit your vote to see results" in before
    assert "Results are sorted" not in before
    assert "Results are sorted" in after
    assert bob.rest("get", f"/decisions/{decision.id}").json()["voter_count"] == 1
    assert "Submit your vote to see results" in alice.read(path_of(decision))


def refusals(member: Member, decision: Decision) -> list[tuple[int, str]]:
    """Return status and sentence of a vote on each surface."""
    option = Option.unscoped.filter(decision=decision)[0]
    page = member.vote(decision, Gas="a")
    path = f"/decisions/{decision.id}/options/{option.id}/votes"
    rest = member.rest("post", path, {"accepted": True})
    put = member.rest("put", f"/decisions/{decision.id}/votes/{decision.id}",
                      {"option_id": str(option.id), "accepted": True})  # fmt: skip
    error = next(line for line in page.content.decode().splitlines() if line.startswith("error: "))
    return [
        (page.status_code, error.removeprefix("error: ").strip('"')),
        (rest.status_code, rest.json()["error"]),
        (put.status_code, put.json()["error"]),
    ]


@pytest.mark.rule("decisions.vote-refused")
def test_closed_executive_and_lottery_decisions_refuse_votes(alice: Member):
    """Content 24: vote on closed / executive / lottery decision by any surface."""
    closed = alice.decide("Closed?")
    alice.act(path_of(closed), "close_decision")
    rows = [
        (closed, CLOSED),
        (alice.decide("Executive?", subtype="executive"), EXECUTIVE),
        (alice.decide("Lottery?", subtype="lottery"), LOTTERY),
    ]
    for decision, sentence in rows:
        assert refusals(alice, decision) == [(422, sentence), (400, sentence), (400, sentence)]
        assert "name: vote" not in alice.read(path_of(decision))
        assert votes(decision) == {}


@pytest.mark.rule("decisions.vote-members-only")
def test_people_who_are_not_members_cannot_vote(alice: Member, member: MemberFor):
    decision = alice.decide()
    outsider = member("carol")

    assert outsider.vote(decision, Gas="a").status_code == 403
    place = f"/decisions/{decision.id}/votes"
    assert outsider.rest("post", place, {"option_title": "Gas", "accepted": 1}).status_code == 403
    assert votes(decision) == {}


@pytest.mark.rule("decisions.vote-agent")
def test_an_agent_needs_the_capability_to_vote(alice: Member, member: MemberFor, world: Any):
    decision = alice.decide()
    scout = member("scout")

    assert scout.vote(decision, Gas="a").status_code == 200
    agent = world.agent("scout")
    type(agent).objects.filter(pk=agent.pk).update(capability_names=["create_note"])
    refused = scout.vote(decision, Gas="")
    assert refused.status_code == 403
    assert "capabilities do not include 'vote'" in refused.content.decode()
    assert votes(decision) == {("scout", "Gas"): (1, 0)}


# --- Over REST ------------------------------------------------------------------------------


def test_a_vote_is_created_and_changed_over_rest(alice: Member, bob: Member):
    decision = alice.decide()
    option = Option.unscoped.get(decision=decision, title="Gas")
    place = f"/decisions/{decision.truncated_id}"

    made = bob.rest("post", f"{place}/options/{option.id}/votes", {"accepted": True}).json()
    again = bob.rest("post", f"{place}/votes", {"option_title": "Gas", "preferred": "1"}).json()
    cleared = bob.rest("put", f"{place}/votes/{made['id']}", {"accepted": None}).json()

    assert (made["accepted"], made["preferred"]) == (1, 0)
    assert (again["id"], again["accepted"], again["preferred"]) == (made["id"], 1, 1)
    assert (cleared["accepted"], cleared["preferred"]) == (0, 1)
    receipts = {made["audit_receipt"], again["audit_receipt"], cleared["audit_receipt"]}
    assert len(receipts) == 3
    shown = bob.rest("get", f"{place}/votes/{made['id']}").json()
    assert "audit_receipt" not in shown
    assert shown["preferred"] == 1


@pytest.mark.rule("decisions.vote-own")
def test_a_vote_over_rest_requires_an_option_and_accepted(alice: Member, bob: Member):
    decision = alice.decide()
    place = f"/decisions/{decision.id}/votes"
    other = alice.rest("post", place, {"option_title": "Gas", "accepted": 1}).json()

    def error(method: str, path: str, body: Any) -> tuple[int, str]:
        response = bob.rest(method, path, body)
        return response.status_code, response.json()["error"]

    assert error("post", place, {"accepted": 1}) == (400, "current_option is required")
    assert error("post", place, {"option_title": "Coal", "accepted": 1}) == (
        *(404, "Option not found"),
    )
    assert error("post", place, {"option_title": "Gas"}) == (
        *(400, "Validation failed: Accepted is not included in the list"),
    )
    assert error("put", f"{place}/{other['id']}", {"accepted": 0}) == (404, "Vote not found")
    assert error("post", "/decisions/00000000/votes", {"accepted": 1}) == (
        *(404, "Decision not found"),
    )
    assert bob.rest("delete", f"{place}/{other['id']}").status_code == 404
    assert bob.rest("post", f"/decisions/{decision.id}/participants").status_code == 404
    assert votes(decision) == {("alice", "Gas"): (1, 0)}


def test_lists_of_votes_are_limited_to_their_path(alice: Member, bob: Member):
    decision = alice.decide()
    alice.vote(decision, Gas="a", Electric="a")
    bob.vote(decision, Gas="")
    place = f"/decisions/{decision.id}"
    option = Option.unscoped.get(decision=decision, title="Gas")
    people = alice.rest("get", f"{place}/participants?include=votes").json()

    assert len(alice.rest("get", f"{place}/votes").json()) == 3
    assert len(alice.rest("get", f"{place}/options/{option.id}/votes").json()) == 2
    assert sorted(len(each["votes"]) for each in people) == [1, 2]
    first = people[0]
    assert len(alice.rest("get", f"{place}/participants/{first['id']}/votes").json()) == len(
        first["votes"]
    )
    assert alice.rest("get", f"{place}/participants/{option.id}/votes").status_code == 404
    assert (
        alice.rest("get", f"{place}/participants/{first['id']}").json()["user_id"]
        == (first["user_id"])
    )


# --- Results --------------------------------------------------------------------------------


@pytest.mark.rule("decisions.results-order")
def test_results_are_ordered_by_votes_then_by_draw(alice: Member, bob: Member, settings: Any):
    """Content 24: equal yes and preferred, before and after the draw."""
    settings.BEACON = "test"
    decision = alice.decide(options=["Tea", "Coffee", "Mate", "Water"])
    for title, random_id in (("Tea", 12), ("Coffee", 504817263), ("Mate", 999), ("Water", 70)):
        Option.unscoped.filter(decision=decision, title=title).update(random_id=random_id)
    alice.vote(decision, Tea="ap", Coffee="ap", Mate="a", Water="")
    bob.vote(decision, Tea="a", Coffee="a", Mate="a", Water="p")
    path = f"/decisions/{decision.id}/results"

    before = alice.rest("get", path).json()
    alice.act(path_of(decision), "close_decision")
    draw(decision)
    after = alice.rest("get", path).json()

    assert [row["option_title"] for row in before] == ["Coffee", "Tea", "Mate", "Water"]
    assert [row["option_title"] for row in after] == ["Tea", "Coffee", "Mate", "Water"]
    assert before[1] | {"position": 0, "option_id": "", "decision_id": ""} == {
        "position": 0,
        "decision_id": "",
        "option_id": "",
        "option_title": "Tea",
        "option_random_id": "000000012",
        "accepted_yes": 2,
        "accepted_no": 0,
        "vote_count": 2,
        "preferred": 1,
    }
    assert after[0]["lottery_sort_key"].startswith("6dce8c33")
    text = alice.read(path_of(decision))
    assert "## Final Results" in text
    assert "| 1 | Tea | 2 | 1 | 0 | `6dc...` |" in text
    assert "| 3 | Mate | 2 | 0 | 0 |  |" in text
    assert fresh(decision).audit_chain_hash


@pytest.mark.rule("decisions.voters-shown")
def test_members_see_who_voted_for_what(alice: Member, bob: Member):
    decision = alice.decide()
    alice.vote(decision, Gas="a", Electric="ap")
    bob.vote(decision, Electric="a")

    text = alice.read(f"{path_of(decision)}/voters")

    by_option, by_voter = text.split("## By Voter")
    assert by_option.index("### Electric") < by_option.index("### Gas")
    assert "✅ ⭐ [Alice](/u/alice)" in by_option
    assert "✅ [Bob](/u/bob)" in by_option
    assert "### [Bob](/u/bob)\n\n[Receipt]" in by_voter


def test_people_and_agents_are_counted_separately(alice: Member, member: MemberFor, page: Any):
    decision = alice.decide()
    alice.vote(decision, Gas="a")
    member("scout").vote(decision, Gas="a")

    html = page("alice").get(path_of(decision)).content.decode()

    assert 'aria-label="Accepted by 1 person and 1 agent"' in html
    assert "1 of them an agent" in " ".join(html.split())


@pytest.mark.rule("decisions.receipt")
def test_a_receipt_shows_all_entries_of_its_voter(alice: Member, bob: Member):
    decision = alice.decide()
    response = bob.vote(decision, Gas="a")
    receipt = response.content.decode().split("Your receipt: ")[1][:64]

    text = bob.read(f"{path_of(decision)}/verify/{receipt}")

    assert "# Vote receipt" in text
    assert "this receipt" in text
    unknown = alice.client.get(
        f"{path_of(decision)}/verify/{'0' * 64}", headers={"accept": "application/json"}
    )
    assert unknown.status_code == 404
    assert unknown.json()["error"] == "Receipt not found"
    assert unknown.json()["receipt_hash"] == "0" * 64
