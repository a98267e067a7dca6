"""Members who can vote and who can add options (content 7.8)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.queries import people
from collectives.decisions.models import AuditEntry, Decision, Option, Vote
from collectives.models import CollectiveMember
from collectives.rules import user_sets
from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.refusals import Invalid
from tests.decisions.conftest import KITCHEN, Member, MemberFor, fresh, path_of
from tests.fixtures.rows import change
from tests.fixtures.world import World


def voters(decision: Decision) -> int:
    return Vote.unscoped.filter(decision=decision).values("participant").distinct().count()


@pytest.mark.rule("decisions.voters")
@pytest.mark.parametrize(
    ("eligible", "may"),
    [
        ("", {"alice", "bob", "scout"}),
        ("members", {"alice", "bob", "scout"}),
        ("user:@bob", {"bob"}),
        ("user:bob,@SCOUT", {"bob", "scout"}),
        ("role:admin", {"alice"}),
        ("role:admin user:@bob", {"alice", "bob"}),
        ("role:moderator", set()),
    ],
)
def test_only_the_named_voters_can_vote(member: MemberFor, eligible: str, may: set[str]):
    """The creator, Alice, is in a set only if it names her or her role."""
    decision = member("alice").decide(voter_eligibility=eligible)

    for who in ("alice", "bob", "scout"):
        caller, allowed = member(who), who in may
        assert (caller.vote(decision, Gas="a").status_code == 200) == allowed
        assert ("name: vote" in caller.read(path_of(decision))) == allowed
        option = Option.unscoped.get(decision=decision, title="Gas")
        path = f"/decisions/{decision.id}/options/{option.id}/votes"
        assert (caller.rest("post", path, {"accepted": 1}).status_code == 200) == allowed
    assert voters(decision) == len(may)


@pytest.mark.rule("decisions.voters")
def test_the_refusal_explains_who_chose_the_voters(alice: Member, bob: Member):
    decision = alice.decide(voter_eligibility="role:admin")

    refused = bob.vote(decision, Gas="a")

    text = refused.content.decode()
    assert refused.status_code == 403
    assert "You are not among those who can vote on this decision." in text
    assert "code: not_eligible" in text
    assert "not among those who can vote" in bob.read(path_of(decision))
    assert "Gas" in bob.read(path_of(decision))


@pytest.mark.rule("decisions.proposers")
def test_the_named_members_can_add_options_regardless_of_options_open(alice: Member, bob: Member):
    closed = alice.decide("Closed?", options_open=False, proposer_eligibility="user:@bob")
    opened = alice.decide("Open?", options_open=True, proposer_eligibility="user:@bob")

    for decision in (closed, opened):
        assert bob.act(path_of(decision), "add_options", titles=["Solar"]).status_code == 200
        refused = alice.act(path_of(decision), "add_options", titles=["Wood"])
        assert refused.status_code == 403
        assert "Cannot add options" in refused.content.decode()
        path = f"/decisions/{decision.id}/options"
        assert alice.rest("post", path, {"title": "Wood"}).status_code == 403


@pytest.mark.rule("decisions.user-sets")
@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("user:@nobody", "names '@nobody', who is not a member of this collective"),
        ("user:@dave", "names '@dave', who is not a member of this collective"),
        ("user:", "has an unknown clause: 'user:'"),
        ("user:@bob,", "names '', who is not a member of this collective"),
        ("role:king", "has an unknown role"),
        ("list:1a2b3c4d", "has an unknown clause"),
        ("everybody", "has an unknown clause: 'everybody'"),
        ("members role:admin", "use it alone"),
        (" ".join(["role:admin"] * 11), "can have at most 10 clauses"),
        (f"user:{','.join(['@bob'] * 201)}", "can name at most 200 users"),
    ],
)
@pytest.mark.parametrize("name", ["voter_eligibility", "proposer_eligibility"])
def test_an_invalid_set_changes_nothing(alice: Member, name: str, sent: str, sentence: str):
    decision = alice.decide()
    params = {name: sent}

    created = alice.act(f"{KITCHEN}/decide", "create_decision", question="Who?", **params)
    changed = alice.act(f"{path_of(decision)}/settings", "update_decision_settings", **params)
    over_rest = alice.rest("patch", f"/decisions/{decision.id}", params)

    assert (created.status_code, changed.status_code, over_rest.status_code) == (422, 422, 400)
    for refused in (created, changed):
        assert sentence in refused.content.decode().replace("\\", "")
    assert not Decision.unscoped.filter(title="Who?").exists()
    assert getattr(fresh(decision), name) == ""


@pytest.mark.rule("decisions.user-sets")
@pytest.mark.parametrize("subtype", ["executive", "lottery"])
def test_only_votes_have_voters(alice: Member, subtype: str):
    params = {"question": "Who?", "subtype": subtype, "voter_eligibility": "role:admin"}

    refused = alice.act(f"{KITCHEN}/decide", "create_decision", **params)

    assert refused.status_code == 422
    assert "applies to votes only" in refused.content.decode()


@pytest.mark.rule("decisions.user-sets")
def test_a_set_is_shown_as_sent_with_current_handles(world: World, alice: Member):
    sent = "user:@bob,@scout role:admin"
    decision = alice.decide(voter_eligibility=sent)
    person = world.person("bob")
    change(person, handle="robert", handle_key="robert")

    shown = alice.rest("get", f"/decisions/{decision.id}").json()

    assert shown["voter_eligibility"] == "user:@robert,@scout role:admin"
    assert shown["proposer_eligibility"] is None
    assert "user:@robert,@scout role:admin" in alice.read(path_of(decision))
    assert str(person.user_id) in fresh(decision).voter_eligibility


@pytest.mark.rule("decisions.user-sets")
def test_an_absent_set_is_kept_and_a_blank_one_is_cleared(alice: Member, bob: Member):
    decision = alice.decide(voter_eligibility="role:admin")
    page = f"{path_of(decision)}/settings"

    alice.act(page, "update_decision_settings", question="Which stove?")
    assert fresh(decision).voter_eligibility == "role:admin"
    assert bob.vote(decision, Gas="a").status_code == 403

    alice.act(page, "update_decision_settings", voter_eligibility="")
    assert fresh(decision).voter_eligibility == ""
    assert bob.vote(decision, Gas="a").status_code == 200


@pytest.mark.rule("decisions.user-sets")
def test_settings_are_saved_although_a_named_member_has_left(world: World, alice: Member):
    decision = alice.decide(voter_eligibility="user:@bob role:admin")
    CollectiveMember.unscoped.filter(
        collective=world.collective("kitchen"), person=world.person("bob")
    ).update(archived_at=world.now)
    page = f"{path_of(decision)}/settings"

    saved = alice.act(
        page, "update_decision_settings", question="Q2", voter_eligibility="user:@bob role:admin"
    )
    refused = alice.act(page, "update_decision_settings", voter_eligibility="user:@bob")

    assert saved.status_code == 200
    assert refused.status_code == 422
    assert (
        "names '@bob', who is not a member of this collective"
        in refused.content.decode().replace("\\", "")
    )
    assert fresh(decision).title == "Q2"


@pytest.mark.rule("decisions.closed-fixed")
def test_the_voters_of_a_closed_decision_are_fixed(alice: Member):
    decision = alice.decide()
    alice.act(path_of(decision), "close_decision")

    refused = alice.rest("patch", f"/decisions/{decision.id}", {"voter_eligibility": "role:admin"})

    assert refused.status_code == 400
    assert refused.json()["error"] == "Cannot change voters on a closed decision"


@pytest.mark.rule("decisions.user-sets")
def test_a_copy_has_the_same_sets(alice: Member):
    sets = {"voter_eligibility": "role:admin", "proposer_eligibility": "user:@bob"}
    decision = alice.decide(**sets)

    copy = alice.rest("post", f"/decisions/{decision.id}/duplicate").json()

    assert {name: copy[name] for name in sets} == sets


@pytest.mark.rule("decisions.user-sets")
def test_the_audit_chain_records_who_could_vote(alice: Member):
    decision = alice.decide(voter_eligibility="role:admin")
    alice.act(f"{path_of(decision)}/settings", "update_decision_settings", voter_eligibility="")

    entries = AuditEntry.unscoped.filter(decision=decision).order_by("sequence_number")
    first, last = entries[0], entries.last()
    assert '"voter_eligibility":"role:admin"' in first.metadata
    assert last is not None
    assert '"voter_eligibility":["role:admin",""]' in last.metadata


CLAUSE = st.one_of(
    st.sampled_from(["members", "role:admin", "user:@bob", "user:bob,scout", "user:,", ":", "@"]),
    st.text(max_size=12),
)


@pytest.mark.rule("decisions.user-sets")
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CLAUSE, max_size=12))
def test_any_text_is_parsed_or_refused(world: World, clauses: list[str]):
    """Writing a parsed set and parsing it again returns the same set."""
    access = access_as("garden", "alice", "kitchen", now=world.now)
    with tenant_bound(access.tenant.id):
        try:
            stored = user_sets.read(access, " ".join(clauses), "voters")
        except Invalid:
            return
        text = user_sets.written(stored, people(user_sets.ids_in(stored)))
        again = user_sets.read(access, text, "voters")
    assert again == stored
