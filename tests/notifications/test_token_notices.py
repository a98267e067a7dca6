"""Notifications about API tokens: expiry, creation, rotation, new networks, refused requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from collectives.notifications.models import Notification, Recipient
from collectives.notifications.token_notices.expiry import notify_of_expiry
from collectives.notifications.token_notices.usage import (
    REFUSED_MORE_THAN,
    notify_of_networks,
    notify_of_refusals,
)
from tests.fixtures.performing import perform_on
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tests.notifications.outbox import link, only, outbox, run_jobs
from tokens import usage
from tokens.models import ApiToken, TokenNetwork

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
ALICE = "alice@example.com"
NOTES = "/collectives/kitchen/api/v1/notes"
CLOSED = "/collectives/treasury/api/v1/notes"
HERE, THERE, ELSEWHERE = "203.0.113.7", "198.51.100.7", "192.0.2.7"


@pytest.fixture(autouse=True)
def clock(world: World) -> Iterator[Any]:
    """Stop the clock, and start without the notifications and tokens of the demo world."""
    Notification.unscoped.all().delete()
    ApiToken.unscoped.all().delete()
    # Networks of earlier tests wait too, and only so many can.
    usage.ledger.settle()
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def a_token(who: str = "alice", name: str = "deploy script", **left: int) -> str:
    """Create a token that expires after this time, and return its plaintext."""
    plaintext = make_token(who)
    row = row_of(plaintext)
    created = min(row.created_at, NOON) - timedelta(days=30)
    ApiToken.unscoped.filter(id=row.id).update(
        name=name, expires_at=datetime.now(UTC) + timedelta(**left), created_at=created
    )
    return plaintext


def row_of(plaintext: str) -> ApiToken:
    found: ApiToken = ApiToken.unscoped.select_related("owner").get(token_prefix=plaintext[:8])
    return found


def page_of(plaintext: str) -> str:
    row = row_of(plaintext)
    return f"/u/{row.owner.handle}/settings/tokens/{row.id}"


def look() -> None:
    notify_of_expiry()
    run_jobs(again=True)


def subjects(to: str = ALICE) -> list[str]:
    return [str(each.subject) for each in outbox(to)]


def titles(who: str = "alice") -> list[str]:
    rows = Recipient.unscoped.filter(user__memberships__handle=who, channel="in_app").distinct()
    return [row.notification.title for row in rows.order_by("due_at", "id")]


def browser_of(who: str) -> Client:
    browser = anonymous_client()
    sign_in(browser, who, "garden")
    return browser


# --- Expiry ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "days"), [(13 * 24, 14), (6 * 24, 7), (23, 1)])
def test_a_person_is_notified_of_a_token_that_expires_soon(hours: int, days: int):
    token = a_token(hours=hours)

    look()

    within = "1 day" if days == 1 else f"{days} days"
    title = f"Your API token “deploy script” expires within {within}"
    assert (subjects(), titles()) == ([title], [title])
    assert link(only(ALICE), "Open in") == page_of(token)
    assert browser_of("alice").get(page_of(token)).status_code == 200


def test_no_one_is_notified_of_a_token_that_expires_later():
    a_token(days=14, seconds=1)

    look()

    assert subjects() == []


@pytest.mark.rule("notifications.token-expiry")
def test_a_parent_is_notified_of_the_tokens_of_agents():
    a_token("scout", "crawler", days=5)

    look()

    assert subjects() == ["The API token “crawler” of scout expires within 7 days"]
    assert titles("scout") == []


def test_one_email_lists_all_tokens():
    tokens = [a_token(days=5), a_token("scout", "crawler", days=13), a_token(name="old", hours=3)]

    look()

    assert subjects() == ["3 API tokens expire within 14 days"]
    sent = only(ALICE)
    for token in tokens:
        assert page_of(token) in sent.body
    page = link(sent, "Open in")
    assert page == "/u/alice/settings/tokens?sort=expires"
    assert browser_of("alice").get(page).status_code == 200


@pytest.mark.meets("tokens listed in an e-mail")
def test_the_tokens_listed_in_an_email_are_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("collectives.notifications.emails.content.LISTED_TOKENS", 2)
    for number in range(3):
        a_token(name=f"number {number}", days=3 + number)

    look()

    assert "number 2" not in only(ALICE).body.partition("Your API")[0]
    assert "and 1 more" in only(ALICE).body


def test_each_person_gets_their_own_notification():
    a_token("alice", days=5)
    a_token("bob", "his", days=5)

    look()

    assert len(subjects()) == 1
    assert subjects("bob@example.com") == ["Your API token “his” expires within 7 days"]


@pytest.mark.rule("notifications.token-expiry")
def test_each_threshold_notifies_once(clock: Any):
    a_token(days=13)

    for _ in range(13 * 4):
        look()
        clock.shift(timedelta(hours=6))

    within = [subject.rpartition("within ")[2] for subject in subjects()]
    assert within == ["14 days", "7 days", "1 day"]


def test_a_missed_run_only_delays_a_notification_and_skips_wider_thresholds(clock: Any):
    a_token(days=15)
    clock.shift(timedelta(days=9))
    look()
    assert subjects() == ["Your API token “deploy script” expires within 7 days"]

    clock.shift(timedelta(days=8))
    look()
    look()

    assert subjects()[1:] == ["Your API token “deploy script” has expired"]


def test_waiting_tokens_are_in_one_notification_the_next_day(clock: Any):
    a_token(days=5)
    look()
    a_token(name="second", days=6)
    a_token(name="third", days=13)
    clock.shift(timedelta(hours=2))
    look()
    assert len(subjects()) == 1

    clock.shift(timedelta(hours=20))
    look()

    assert subjects()[1:] == ["2 API tokens expire within 14 days"]


def test_the_last_day_does_not_wait(clock: Any):
    a_token(days=5)
    look()
    a_token(name="second", hours=20)

    look()

    assert subjects()[1:] == ["Your API token “second” expires within 1 day"]


@pytest.mark.parametrize("why", ["deleted", "rotated", "revoked", "made for a day"])
def test_no_one_is_notified_of_tokens_that_require_no_action(why: str, world: World):
    row = row_of(a_token(hours=20))
    if why == "deleted":
        ApiToken.unscoped.filter(id=row.id).update(deleted_at=NOON)
    elif why == "rotated":
        successor = row_of(a_token(name="new", days=90))
        ApiToken.unscoped.filter(id=row.id).update(successor=successor)
    elif why == "revoked":
        world.user("alice").revoke_tokens(NOON)
    else:
        ApiToken.unscoped.filter(id=row.id).update(created_at=row.expires_at - timedelta(days=1))

    look()

    assert subjects() == []


def test_a_suspended_person_is_not_notified(world: World):
    a_token(days=5)
    type(world.user("alice")).objects.filter(email=ALICE).update(suspended_at=NOON)

    look()

    assert (subjects(), titles()) == ([], [])


def test_system_notifications_can_be_turned_off_by_email():
    a_token(days=5)
    preferences = "/u/alice/settings/notifications/actions/update_notification_preferences"
    perform_on("json", "alice", preferences, notifications={"system": {"email": False}})

    look()

    assert subjects() == []
    assert len(titles()) == 1


# --- Creation and rotation ------------------------------------------------------------------


def act(who: str, path: str, **params: Any) -> Any:
    answer = perform_on("json", who, path, **params)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.rule("notifications.token-created")
def test_a_person_is_notified_of_a_token_that_was_created():
    made = act("alice", "/u/alice/settings/tokens/new/actions/create_api_token", name="laptop")

    run_jobs()

    assert subjects() == titles() == ["Your API token “laptop” was created"]
    sent = only(ALICE)
    assert link(sent, "Open in") == made["resource"]["path"]
    assert made["token"] not in sent.body


def test_a_parent_is_notified_of_a_token_that_was_created_with_an_agent():
    act("alice", "/ai-agents/new/actions/create_ai_agent", name="Helper", generate_token=True)

    run_jobs()

    assert subjects() == ["The API token “Helper's API Token” of Helper was created"]


@pytest.mark.rule("notifications.token-created")
def test_a_person_is_notified_of_a_token_that_was_rotated():
    token = a_token("scout", "crawler", days=90)

    act("alice", f"{page_of(token)}/actions/rotate_api_token")
    run_jobs()

    assert subjects() == titles() == ["The API token “crawler” of scout was rotated"]


def test_a_person_is_notified_of_a_token_that_was_created_over_rest():
    client = token_client(make_token("alice"))
    body = json.dumps({"name": "ci", "scopes": ["read:all"]})
    user_id = ApiToken.unscoped.get().owner.user_id
    answer = client.post(f"/api/v1/users/{user_id}/tokens", body, "application/json")
    assert answer.status_code == 200, answer.content

    run_jobs()

    assert subjects() == ["Your API token “ci” was created"]


# --- New networks ---------------------------------------------------------------------------


def use(token: str, address: str) -> None:
    assert token_client(token).get(NOTES, REMOTE_ADDR=address).status_code == 200
    usage.ledger.settle()


def notified_of_networks() -> list[str]:
    notify_of_networks()
    run_jobs(again=True)
    return subjects()


def test_the_first_network_of_a_token_is_not_new():
    use(a_token(days=90), HERE)

    assert notified_of_networks() == []


@pytest.mark.rule("notifications.token-network")
def test_a_person_is_notified_of_a_new_network_once(clock: Any):
    token = a_token(days=90)
    use(token, HERE)
    notified_of_networks()
    use(token, THERE)

    assert notified_of_networks() == ["Your API token “deploy script” was used from a new network"]
    sent = only(ALICE)
    assert "198.51.100.0/24" in sent.body.replace("\\", "")
    assert THERE not in sent.body
    assert link(sent, "Open in") == page_of(token)
    clock.shift(timedelta(hours=2))
    use(token, THERE)
    use(token, HERE)
    assert len(notified_of_networks()) == 1


def test_a_person_is_notified_of_a_use_between_two_others_within_a_minute():
    token = a_token(days=90)
    use(token, HERE)
    client = token_client(token)
    for address in (THERE, HERE):
        client.get(NOTES, REMOTE_ADDR=address)
    usage.ledger.settle()

    assert len(notified_of_networks()) == 1


def test_new_networks_are_in_one_notification_per_hour(clock: Any):
    token = a_token(days=90)
    for address in (HERE, THERE):
        use(token, address)
    assert len(notified_of_networks()) == 1
    for number in range(8):
        use(token, f"192.0.{number}.1")
    assert len(notified_of_networks()) == 1

    clock.shift(timedelta(hours=1))

    assert len(notified_of_networks()) == 2
    assert "and 3 more" in outbox(ALICE)[1].body


@pytest.mark.meets("networks kept of a token")
def test_the_stored_networks_of_a_token_are_limited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(TokenNetwork, "KEPT", 3)
    token = a_token(days=90)
    for number in range(5):
        use(token, f"192.0.{number}.1")

    assert TokenNetwork.unscoped.filter(token=row_of(token)).count() == 3


def test_requests_from_a_known_network_write_nothing():
    token = a_token(days=90)
    use(token, HERE)

    with CaptureQueriesContext(connection) as queries:
        assert token_client(token).get(NOTES, REMOTE_ADDR=HERE).status_code == 200

    assert {each["sql"].partition(" ")[0] for each in queries} == {"SELECT"}


# --- Refused requests -----------------------------------------------------------------------


def refuse(token: str, times: int) -> None:
    client = token_client(token)
    for _ in range(times):
        assert client.get(CLOSED, REMOTE_ADDR=HERE).status_code == 403
    usage.ledger.settle()


def notified_of_refusals() -> list[str]:
    notify_of_refusals()
    run_jobs(again=True)
    return subjects()


@pytest.mark.rule("notifications.token-refused")
def test_a_person_is_notified_of_a_token_that_is_refused_often():
    token = a_token("scout", "crawler", days=90)
    refuse(token, REFUSED_MORE_THAN)
    assert notified_of_refusals() == []

    refuse(token, 1)

    expected = "The API token “crawler” of scout was refused more than 20 times in an hour"
    assert notified_of_refusals() == [expected]
    sent = only(ALICE)
    assert CLOSED in sent.body.replace("\\", "")
    assert link(sent, "Open in") == page_of(token)


def test_refusals_more_than_an_hour_ago_do_not_count(clock: Any):
    token = a_token(days=90)
    refuse(token, REFUSED_MORE_THAN)
    clock.shift(timedelta(hours=1))
    refuse(token, 1)

    assert notified_of_refusals() == []


def test_refusals_notify_once_per_day(clock: Any):
    token = a_token(days=90)
    for hours in range(25):
        refuse(token, REFUSED_MORE_THAN + 1)
        notified_of_refusals()
        clock.shift(timedelta(hours=1))
        assert len(subjects()) == (1 if hours < 24 else 2)
