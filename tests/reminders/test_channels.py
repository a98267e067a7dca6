"""Reminders by e-mail and in the app, as their recipients chose (content 5.1, 19.3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from pytest_django import Settings

from tests.fixtures.performing import perform_on
from tests.fixtures.world import World
from tests.notifications.outbox import link, outbox, run_jobs
from tests.reminders.rows import deliver_after, inbox, recipients, remind, status_of

pytestmark = pytest.mark.django_db
ALICE = "alice@example.com"


def choose(who: str, **channels: bool) -> None:
    path = f"/u/{who}/settings/notifications/actions/update_notification_preferences"
    answer = perform_on("json", who, path, notifications={"reminder": channels})
    assert answer.status_code == 200


def mails() -> list[EmailMultiAlternatives]:
    """Return the e-mails that were sent, without those about being mentioned in the note."""
    return [each for each in outbox() if "mentioned" not in each.subject]


@pytest.mark.rule("reminders.mail")
def test_a_reminder_is_mailed_when_it_is_delivered_to_those_who_chose_so(world: World):
    choose("alice", email=True)
    path = remind(text="Water, @alice", title="Beans")
    run_jobs()
    assert mails() == []

    deliver_after(hours=2)
    deliver_after(hours=3)
    run_jobs()

    (sent,) = mails()
    assert (sent.to, sent.subject) == ([ALICE], "Beans")
    assert link(sent, "Open in Garden Cooperative") == path
    assert "e-mails about reminders" in sent.body
    assert f"[Beans]({path})" in inbox("alice", hours=4)


@pytest.mark.rule("reminders.mail")
def test_by_default_and_to_agents_no_reminder_is_mailed(world: World):
    remind(text="Water, @alice @scout")

    deliver_after(hours=2)
    run_jobs()

    assert mails() == []


@pytest.mark.rule("reminders.mail")
def test_without_a_mail_server_a_reminder_is_delivered_in_the_app(world: World, settings: Settings):
    choose("alice", email=True)
    settings.IS_EMAIL_ON = False
    path = remind(text="Water, @alice", title="Beans")

    deliver_after(hours=2)
    run_jobs()

    assert mails() == []
    assert f"[Beans]({path})" in inbox("alice", hours=4)


@pytest.mark.rule("reminders.channels")
@pytest.mark.parametrize(
    ("chosen", "is_mailed"), [({"in_app": False, "email": True}, True), ({"in_app": False}, False)]
)
def test_a_member_who_turned_it_off_in_the_app_does_not_get_it_there(
    world: World, chosen: dict[str, Any], is_mailed: bool
):
    choose("alice", **chosen)
    path = remind(text="Water, @alice", title="Beans")

    deliver_after(hours=2)
    run_jobs()

    assert "Beans" not in inbox("alice", hours=4)
    assert bool(mails()) is is_mailed
    assert ("alice" in recipients(path)) is is_mailed


@pytest.mark.rule("reminders.channels")
def test_the_author_always_gets_it_in_the_app(world: World):
    choose("bob", in_app=False)
    path = remind(title="Beans")

    deliver_after(hours=2)

    assert f"[Beans]({path})" in inbox("bob", hours=4)
    assert status_of(path) == "delivered"
