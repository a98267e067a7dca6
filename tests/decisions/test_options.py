"""Adding, changing and deleting options (content 7.2)."""

from __future__ import annotations

from typing import Any

import pytest

from collectives.decisions.models import Decision, Option
from tests.decisions.conftest import Member, MemberFor, path_of


def titles(decision: Decision) -> list[str]:
    rows = Option.unscoped.filter(decision=decision).order_by("created_at", "id")
    return sorted(rows.values_list("title", flat=True))


@pytest.mark.rule("decisions.add-options")
def test_members_can_add_options_while_options_are_open(alice: Member, bob: Member):
    decision = alice.decide()

    response = bob.act(path_of(decision), "add_options", titles=[" Wood-fired ", "Solar"])

    text = response.content.decode()
    assert response.status_code == 200
    assert "Successfully added 2 options: 'Wood-fired', 'Solar'" in text
    assert titles(decision) == ["Electric", "Gas", "Solar", "Wood-fired"]


@pytest.mark.rule("decisions.add-options")
def test_only_the_creator_can_add_options_otherwise(alice: Member, bob: Member):
    decision = alice.decide(options_open=False)

    refused = bob.act(path_of(decision), "add_options", titles=["Solar"])

    assert refused.status_code == 403
    assert "Cannot add options" in refused.content.decode()
    assert "add_options" not in bob.read(path_of(decision))
    assert bob.rest("post", f"/decisions/{decision.id}/options", {"title": "x"}).status_code == 403
    assert alice.act(path_of(decision), "add_options", titles=["Solar"]).status_code == 200


@pytest.mark.rule("decisions.options-all-or-none")
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "titles parameter is required"),
        ({"titles": []}, "titles parameter is required"),
        ({"titles": None}, "titles parameter is required"),
        ({"titles": "Solar"}, "titles must be an array"),
        ({"titles": ["Solar", "  "]}, "titles is required"),
        ({"titles": ["Solar", "gas"]}, "has already been taken: 'gas'"),
        ({"titles": ["Solar", "solar"]}, "has already been taken: 'solar'"),
        ({"titles": ["Solar", "x" * 1001]}, "is too long"),
        ({"titles": [{"title": "Solar"}]}, "must be text"),
    ],
)
def test_a_batch_with_an_invalid_title_adds_nothing(alice: Member, sent: Any, sentence: str):
    decision = alice.decide()

    response = alice.act(path_of(decision), "add_options", **sent)

    assert response.status_code == 422
    assert sentence in response.content.decode().replace("\\", "")
    assert titles(decision) == ["Electric", "Gas"]


@pytest.mark.rule("decisions.options-limit")
@pytest.mark.meets("options of a decision")
def test_there_are_at_most_100_options(alice: Member):
    decision = alice.decide(options=[f"Option {number}" for number in range(99)])

    refused = alice.act(path_of(decision), "add_options", titles=["a", "b"])
    added = alice.act(path_of(decision), "add_options", titles=["a"])
    over_rest = alice.rest("post", f"/decisions/{decision.id}/options", {"title": "b"})

    assert (refused.status_code, added.status_code) == (422, 200)
    assert "at most 100 options" in refused.content.decode()
    assert (over_rest.status_code, over_rest.json()["error"]) == (403, "Cannot add options")
    assert len(titles(decision)) == 100
    too_many = [f"Option {number}" for number in range(101)]
    assert alice.act("/collectives/kitchen/decide", "create_decision", question="x",
                     options=too_many).status_code == 422  # fmt: skip


@pytest.mark.rule("decisions.options-closed")
def test_options_of_a_closed_decision_cannot_change(alice: Member):
    decision = alice.decide()
    alice.act(path_of(decision), "close_decision")
    option = Option.unscoped.get(decision=decision, title="Gas")
    place = f"/decisions/{decision.id}/options"

    assert alice.act(path_of(decision), "add_options", titles=["x"]).status_code == 403
    assert alice.rest("post", place, {"title": "x"}).json()["error"] == "Cannot add options"
    changed = alice.rest("put", f"{place}/{option.id}", {"title": "x"})
    deleted = alice.rest("delete", f"{place}/{option.id}")
    assert (changed.status_code, changed.json()["error"]) == (403, "Cannot update options")
    assert (deleted.status_code, deleted.json()["error"]) == (403, "Cannot delete options")


@pytest.mark.rule("decisions.option-owner")
def test_an_option_can_change_until_another_user_votes_on_it(
    alice: Member, bob: Member, member: MemberFor
):
    decision = alice.decide()
    place = f"/decisions/{decision.id}/options"
    mine = bob.rest("post", place, {"title": "Solar", "description": "On the roof."}).json()
    assert mine["description"] == "On the roof."

    assert bob.rest("patch", f"{place}/{mine['id']}", {"title": "Sun"}).json()["title"] == "Sun"
    assert alice.act(path_of(decision), "update_option", option="Sun", title="Solar")
    other = member("scout").rest("put", f"{place}/{mine['id']}", {"title": "x"})
    assert (other.status_code, other.json()["error"]) == (403, "Cannot update options")
    bob.vote(decision, Solar="a")
    assert bob.rest("put", f"{place}/{mine['id']}", {"title": "Sun"}).status_code == 200
    member("scout").vote(decision, Sun="a")
    assert bob.rest("put", f"{place}/{mine['id']}", {"title": "Solar"}).status_code == 403
    assert alice.rest("delete", f"{place}/{mine['id']}").status_code == 403


@pytest.mark.rule("decisions.option-votes-go")
def test_deleting_an_option_deletes_its_votes(alice: Member):
    decision = alice.decide()
    alice.vote(decision, Gas="a")
    option = Option.unscoped.get(decision=decision, title="Gas")

    response = alice.rest("delete", f"/decisions/{decision.id}/options/{option.id}")

    assert response.json() == {"success": True}
    assert titles(decision) == ["Electric"]
    assert alice.rest("get", f"/decisions/{decision.id}").json()["voter_count"] == 0
    assert "**Vote tallies**: PASS" in alice.read(f"{path_of(decision)}/verify")


@pytest.mark.rule("decisions.option-unique")
def test_an_option_cannot_be_renamed_to_an_existing_title(alice: Member):
    decision = alice.decide()
    place = f"/decisions/{decision.id}/options"
    option = Option.unscoped.get(decision=decision, title="Gas")

    taken = alice.rest("put", f"{place}/{option.id}", {"title": "ELECTRIC"})
    blank = alice.rest("put", f"{place}/{option.id}", {"title": ""})
    missing = alice.rest("post", place, {})
    duplicate = alice.rest("post", place, {"title": "Gas"})

    assert taken.json()["error"] == "Validation failed: Title has already been taken: 'ELECTRIC'"
    assert (blank.status_code, blank.json()["title"]) == (200, "Gas")
    assert (missing.status_code, missing.json()["error"]) == (400, "title parameter is required")
    assert duplicate.json()["error"] == "Validation failed: Title has already been taken: 'Gas'"
    assert alice.rest("get", f"{place}/{decision.id}").status_code == 404
    assert alice.rest("put", f"{place}/x", {"title": "x"}).json()["error"] == "Option not found"
