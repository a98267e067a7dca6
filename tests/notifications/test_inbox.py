"""The list of notifications (content §19.4, markdown §5.5 and §6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from collectives.models import Collective
from collectives.notifications.models import Notification, Recipient
from tests.fixtures.performing import perform_on
from tests.fixtures.rows import KITCHEN, end_membership, make_member
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client

pytestmark = pytest.mark.django_db
SURFACES = ("html", "markdown", "json")


@pytest.fixture(autouse=True)
def nothing_yet(world) -> None:
    """Start without the notifications of the demo world."""
    Notification.unscoped.all().delete()


@pytest.fixture
def agent() -> Client:
    return token_client(make_token("bob"))


def mention(who: str, by: str = "alice", text: str = "Hello") -> Recipient:
    """Mention a member of the kitchen, and return the notification."""
    Caller(REST, by).act("create_note", KITCHEN, text=f"{text} @{who}").assert_done()
    rows = Recipient.unscoped.filter(user__memberships__handle=who, channel="in_app")
    row: Recipient = rows.latest("due_at")
    return row


def unread(client: Client) -> int:
    return int(client.get("/notifications/unread_count").json()["count"])


def inbox(client: Client) -> str:
    return client.get("/notifications", headers={"accept": "text/markdown"}).content.decode()


# --- The list -------------------------------------------------------------------------------


def test_the_list_has_the_notifications_by_collective(agent: Client):
    row = mention("bob")

    text = inbox(agent)

    assert "# Notifications" in text
    assert "Unread: 1" in text
    assert "## Recent Notifications" in text
    kitchen = Collective.unscoped.get(handle="kitchen")
    dismissal = f"/notifications/actions/dismiss_for_collective?collective_id={kitchen.id}"
    assert f"### Kitchen Crew (1) - [dismiss_for_collective]({dismissal})" in text
    assert f"[dismiss](/notifications/actions/dismiss?id={row.id})" in text
    assert "title: (1) Notifications" in text


def test_every_page_shows_the_number_of_unread_notifications(agent: Client):
    assert "[0](/notifications)" in agent.get("/whoami.md").content.decode()

    mention("bob")

    assert "[1](/notifications)" in agent.get(f"{KITCHEN}.md").content.decode()


def test_the_menu_shows_the_number_of_unread_notifications(page: Any):
    mention("bob")

    assert '<span class="count">1</span>' in page("bob").get("/").content.decode()


def test_anonymous_visitors_have_no_notifications():
    visitor = anonymous_client()

    assert visitor.get("/notifications").status_code == 302
    assert visitor.get("/notifications", headers={"accept": "text/markdown"}).status_code == 401
    answer = visitor.get("/notifications/unread_count", headers={"accept": "application/json"})
    assert answer.status_code == 401
    assert "/notifications" not in visitor.get("/help.md").content.decode().split("\n#")[0]


@pytest.mark.rule("notifications.left")
def test_notifications_of_a_former_collective_are_hidden(world, agent: Client):
    mention("bob")
    end_membership(world, "bob")

    assert "Hello" not in inbox(agent)
    assert unread(agent) == 0


def test_notifications_of_other_tenants_are_hidden(world):
    mention("alice", by="bob")
    harbor = anonymous_client()
    sign_in(harbor, "alice", "summit")

    answer = harbor.get("/notifications/unread_count", headers={"host": "summit.localhost"})

    assert answer.json() == {"count": 0}


@pytest.mark.rule("notifications.closed")
def test_a_token_does_not_see_collectives_with_a_disabled_api(agent: Client):
    mention("bob")
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    assert unread(agent) == 0
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    assert unread(browser) == 1


@pytest.mark.meets("notifications on the page of notifications")
def test_at_most_fifty_are_listed(agent: Client):
    alice = Caller(REST, "alice")
    for number in range(52):
        alice.act("create_note", KITCHEN, text=f"Number {number}: @bob").assert_done()

    text = inbox(agent)

    assert text.count("[dismiss](") == 50
    assert "Unread: 52" in text
    assert "Number 51:" in text
    assert "Number 0:" not in text


@pytest.mark.meets("unread notifications that are counted")
def test_at_most_a_thousand_unread_notifications_are_counted(world, agent: Client):
    row = mention("bob")
    copies = [
        Notification(
            tenant_id=row.tenant_id,
            notification_type=row.notification.notification_type,
            title="Alice mentioned you",
            path=row.notification.path,
            created_at=row.due_at,
        )
        for _ in range(1000)
    ]
    Notification.unscoped.bulk_create(copies)
    Recipient.unscoped.bulk_create(
        Recipient(
            tenant_id=row.tenant_id,
            notification=copy,
            user=row.user,
            channel=row.channel,
            status=row.status,
            due_at=row.due_at,
        )
        for copy in copies
    )

    assert unread(agent) == 1000


# --- Actions --------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES)
def test_a_dismissed_notification_is_not_listed(surface: str, agent: Client):
    row = mention("bob")

    for _ in range(2):
        answer = perform_on(surface, "bob", "/notifications/actions/dismiss", id=str(row.id))
        assert answer.status_code in {200, 303}

    assert unread(agent) == 0
    assert "Hello" not in inbox(agent)
    row.refresh_from_db()
    assert row.status == "dismissed"
    assert row.read_at is not None


@pytest.mark.rule("notifications.own-only")
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", ["dismiss", "mark_read"])
@pytest.mark.parametrize("who", ["alice", "unknown"])
def test_people_can_change_only_their_own_notifications(surface: str, name: str, who: str):
    row = mention("alice", by="bob")
    wanted = str(row.id) if who == "alice" else "not-an-id"

    answer = perform_on(surface, "bob", f"/notifications/actions/{name}", id=wanted)

    assert answer.status_code == 404
    assert "Notification not found." in answer.content.decode()
    row.refresh_from_db()
    assert (row.read_at, row.dismissed_at) == (None, None)


@pytest.mark.parametrize("surface", SURFACES)
def test_marking_as_read_keeps_the_notification(surface: str, agent: Client):
    row = mention("bob")

    perform_on(surface, "bob", "/notifications/actions/mark_read", id=str(row.id))

    assert unread(agent) == 0
    assert "Hello" in inbox(agent)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(("name", "left"), [("dismiss_all", 0), ("mark_all_read", 2)])
def test_all_notifications_can_be_changed_at_once(
    surface: str, name: str, left: int, agent: Client
):
    mention("bob")
    mention("bob")
    other = mention("alice", by="bob")

    perform_on(surface, "bob", f"/notifications/actions/{name}")

    assert unread(agent) == 0
    assert inbox(agent).count("[dismiss](") == left
    other.refresh_from_db()
    assert other.read_at is None


@pytest.mark.parametrize(
    ("name", "word"),
    [("dismiss_for_collective", "dismissed"), ("mark_read_for_collective", "marked as read")],
)
def test_notifications_of_one_collective_can_be_changed(name: str, word: str, agent: Client):
    mention("bob")
    kitchen = str(Collective.unscoped.get(handle="kitchen").id)

    answer = perform_on("json", "bob", f"/notifications/actions/{name}", collective_id=kitchen)

    assert answer.json() == {
        "success": True,
        "action": name,
        "collective_id": kitchen,
        "count": 1,
    }
    assert unread(agent) == 0
    text = perform_on("markdown", "bob", f"/notifications/actions/{name}", collective_id=kitchen)
    assert f"0 notifications {word} for Kitchen Crew." in text.content.decode()


@pytest.mark.parametrize("handle", ["treasury", "board", ""])
def test_notifications_of_other_collectives_are_not_found(handle: str):
    wanted = str(Collective.unscoped.get(handle=handle).id) if handle else "nonsense"

    answer = perform_on(
        "json", "bob", "/notifications/actions/dismiss_for_collective", collective_id=wanted
    )

    assert answer.status_code == 404
    assert answer.json()["error"] == "Collective not found."


@pytest.mark.rule("notifications.read-only")
def test_a_read_only_token_cannot_change_notifications():
    row = mention("bob")
    client = token_client(make_token("bob", scopes=["read:all"]))

    answer = client.post(
        "/notifications/actions/dismiss", json.dumps({"id": str(row.id)}), "application/json"
    )

    assert answer.status_code == 403


def test_a_refusal_before_routing_shows_the_count(page: Any, api: Any) -> None:
    """No tenant is bound while the 404 for an unknown path is rendered."""
    assert page("bob").get("/nope").status_code == 404
    answer = api("bob").get("/nope", headers={"accept": "text/markdown"})
    assert answer.status_code == 404
    assert "](/notifications)" in answer.content.decode()


# --- Opening the page -----------------------------------------------------------------------


@pytest.mark.rule("notifications.opened")
@pytest.mark.parametrize("accept", ["text/html", "text/markdown"])
def test_opening_the_page_marks_its_notifications_as_read(agent: Client, accept: str):
    row, other = mention("bob"), mention("bob", text="Another")
    client = agent
    if accept == "text/html":
        client = anonymous_client()
        sign_in(client, "bob", "garden")

    answer = client.get(row.notification.path, headers={"accept": accept})

    assert answer.status_code == 200
    assert unread(agent) == 1
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.read_at is None, other.read_at is None) == (False, True)
    assert row.notification.path in inbox(agent)


def test_opening_the_page_by_its_full_id_marks_its_notifications_as_read(agent: Client):
    row = mention("bob")
    full = str(row.notification.item_id)
    path = row.notification.path.replace(full[:8], full)

    assert agent.get(path).status_code == 200

    assert unread(agent) == 0


def test_the_page_itself_no_longer_counts_its_notifications(agent: Client):
    row = mention("bob")

    text = agent.get(row.notification.path, headers={"accept": "text/markdown"}).text

    assert "[0](/notifications)" in text


def test_another_readers_notifications_stay_unread(agent: Client):
    row = mention("bob")

    token_client(make_token("alice")).get(row.notification.path)

    assert unread(agent) == 1


def test_opening_a_page_without_notifications_writes_nothing(agent: Client):
    row = mention("bob")
    agent.get(row.notification.path)

    with CaptureQueriesContext(connection) as queries:
        agent.get(row.notification.path)

    assert not any(each["sql"].startswith("UPDATE") for each in queries)


# --- Texts of agents ------------------------------------------------------------------------


@pytest.mark.rule("notifications.agent-links")
def test_an_agent_does_not_see_links_of_another_agent(world: World):
    make_member(world, "pilot")
    mention("scout", by="pilot", text="See http://evil.example/x?secret=1")
    mention("bob", by="pilot", text="See http://evil.example/x?secret=1")

    of_agent = inbox(token_client(make_token("scout")))
    of_person = inbox(token_client(make_token("bob")))

    assert "secret" not in of_agent
    assert "evil.example" in of_agent
    assert "secret" in of_person
