"""Notifications about decisions and commitments (content §19.2)."""

from __future__ import annotations

from typing import Any

import pytest

from collectives.decisions.due import record_deadlines
from collectives.notifications.models import Notification, Recipient
from tests.fixtures.performing import perform_on
from tests.fixtures.rows import KITCHEN, end_membership

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_yet(world) -> None:
    """Start without the notifications of the demo world, including scheduled ones."""
    record_deadlines()
    Notification.unscoped.all().delete()


def act(who: str, path: str, **params: Any) -> dict[str, Any]:
    answer = perform_on("json", who, path, **params)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def path_of(made: dict[str, Any]) -> str:
    return str(made["resource"]["path"])


def notified(who: str) -> list[str]:
    """Return the titles of a user's notifications, oldest first."""
    rows = Recipient.unscoped.filter(user__memberships__handle=who, channel="in_app").distinct()
    return [row.notification.title for row in rows.order_by("due_at", "id")]


@pytest.fixture
def decision() -> str:
    made = act("alice", f"{KITCHEN}/decide/actions/create_decision", question="Which tea, @scout?")
    path = path_of(made)
    act("alice", f"{path}/actions/add_options", titles=["Green", "Black"])
    return path


@pytest.fixture
def commitment() -> str:
    made = act(
        "alice",
        f"{KITCHEN}/commit/actions/create_commitment",
        title="Clean",
        description="With @scout",
        critical_mass=2,
    )
    return path_of(made)


def vote(who: str, path: str, title: str = "Green") -> None:
    votes = [{"option_title": title, "accept": True, "prefer": False}]
    act(who, f"{path}/actions/vote", votes=votes)


@pytest.mark.rule("notifications.mention")
def test_a_decision_and_a_commitment_notify_of_mentions(decision: str, commitment: str):
    assert notified("scout") == [
        "Alice mentioned you in a decision",
        "Alice mentioned you in a commitment",
    ]
    body = Notification.unscoped.get(title="Alice mentioned you in a decision").body
    assert body == "Which tea, @scout?"


@pytest.mark.rule("notifications.option")
def test_an_option_notifies_of_mentions_once(decision: str):
    act("alice", f"{decision}/actions/add_options", titles=["Mint for @bob", "Lime for @bob"])

    assert notified("bob") == ["Alice mentioned you in a decision option"]
    row = Notification.unscoped.get(title="Alice mentioned you in a decision option")
    assert (row.path, row.body) == (decision, "Mint for @bob")


@pytest.mark.rule("notifications.vote")
def test_the_author_of_a_decision_is_notified_once_of_each_voter(decision: str):
    vote("bob", decision)
    vote("bob", decision, "Black")
    vote("alice", decision)

    assert notified("alice") == ["Bob voted on your decision"]
    assert Notification.unscoped.get(title="Bob voted on your decision").path == decision


@pytest.mark.rule("notifications.resolved")
def test_voters_are_notified_when_a_decision_is_resolved(decision: str):
    vote("bob", decision)
    act("alice", f"{decision}/actions/close_decision")

    record_deadlines()
    record_deadlines()

    assert notified("bob") == ["A decision you participated in was resolved"]


@pytest.mark.rule("notifications.joined")
def test_the_author_of_a_commitment_is_notified_of_joins(commitment: str):
    act("bob", f"{commitment}/actions/join_commitment")

    assert notified("alice") == ["Bob joined your commitment"]


@pytest.mark.rule("notifications.critical-mass")
def test_participants_are_notified_of_critical_mass(commitment: str):
    act("bob", f"{commitment}/actions/join_commitment")
    act("alice", f"{commitment}/actions/join_commitment")

    assert notified("bob") == ["Critical mass reached on a commitment you joined"]
    assert notified("alice") == ["Bob joined your commitment"]


@pytest.mark.rule("notifications.joined")
def test_another_join_notifies_after_the_first_notification_was_read(commitment: str):
    act("bob", f"{commitment}/actions/join_commitment")
    act("bob", f"{commitment}/actions/leave_commitment")
    act("bob", f"{commitment}/actions/join_commitment")
    assert notified("alice") == ["Bob joined your commitment"]

    act("alice", "/notifications/actions/mark_all_read")
    act("bob", f"{commitment}/actions/leave_commitment")
    act("bob", f"{commitment}/actions/join_commitment")

    assert notified("alice") == ["Bob joined your commitment"] * 2


@pytest.mark.rule("notifications.participation-members-only")
def test_former_members_are_not_notified_of_results_and_critical_mass(
    world, decision: str, commitment: str
):
    vote("bob", decision)
    act("bob", f"{commitment}/actions/join_commitment")
    end_membership(world, "bob")

    act("alice", f"{decision}/actions/close_decision")
    act("alice", f"{commitment}/actions/join_commitment")
    record_deadlines()

    assert notified("bob") == []
    assert notified("alice") == [
        "Bob voted on your decision",
        "Bob joined your commitment",
        "A decision you participated in was resolved",
    ]
