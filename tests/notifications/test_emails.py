"""E-mails of notifications (content §19.3): their content, recipients and number."""

from __future__ import annotations

import logging
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from collectives.notifications.emails.sending import ATTEMPTS, send_email
from collectives.notifications.models import Channel, Notification, Recipient
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.performing import perform_on
from tests.fixtures.rows import KITCHEN, end_membership
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World, anonymous_client, sign_in
from tests.notifications.mail_server import ScriptedBackend, scripted
from tests.notifications.outbox import header, html_of, link, only, outbox, run_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BOB = "bob@example.com"
PREFERENCES = "/u/bob/settings/notifications/actions/update_notification_preferences"


@pytest.fixture(autouse=True)
def nothing_yet(world: World) -> None:
    """Start without the notifications of the demo world."""
    Notification.unscoped.all().delete()


def write(text: str = "Soup, @bob?", by: str = "alice", **more: Any) -> str:
    """Write a note in the kitchen and return its path."""
    made = Caller(REST, by).act("create_note", KITCHEN, text=text, **more).assert_done()
    return str(made.json["path"])


def status_of(who: str = "bob") -> str:
    row = Recipient.unscoped.get(user__email=f"{who}@example.com", channel=Channel.EMAIL)
    return row.status


# --- Content --------------------------------------------------------------------------------


@pytest.mark.rule("notifications.email-mentions")
def test_a_mention_is_mailed_with_a_link_to_the_note():
    path = write("Soup, @bob?")

    run_jobs()

    sent = only(BOB)
    assert sent.subject == "Alice mentioned you"
    assert link(sent, "Open in Garden Cooperative") == path
    for text in (sent.body, html_of(sent)):
        assert "Soup, @bob?" in text.replace("\\", "")
    assert f"http://garden.localhost:8000{path}" in sent.body
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    assert browser.get(link(sent, "Open in Garden Cooperative")).status_code == 200


def test_text_and_html_are_both_sent_and_escape_user_text():
    write("<b>Soup</b> [here](http://x.example) @bob")

    run_jobs()

    sent = only(BOB)
    assert "<b>" not in html_of(sent)
    assert "&lt;b&gt;Soup" in html_of(sent)
    assert "[here](" not in sent.body
    assert sent.message().get_content_type() == "multipart/alternative"


def test_line_breaks_in_a_name_do_not_add_a_header(world: World):
    person = world.person("alice")
    type(person).unscoped.filter(id=person.id).update(display_name="Al\r\nBcc: x@example.com")
    write()

    run_jobs()

    message = only(BOB).message()
    assert message["Bcc"] is None
    assert "\n" not in str(message["Subject"]).strip()


def test_an_email_has_the_unsubscribe_headers():
    write()

    run_jobs()

    sent = only(BOB)
    url = header(sent, "List-Unsubscribe")
    assert url.startswith("<http://garden.localhost:8000/notifications/unsubscribe/")
    assert header(sent, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert header(sent, "Auto-Submitted") == "auto-generated"


# --- Recipients -----------------------------------------------------------------------------


@pytest.mark.rule("notifications.email-mentions")
def test_only_people_get_emails():
    write("@scout @bob")

    run_jobs()

    assert [each.to for each in outbox()] == [[BOB]]


def test_a_reply_is_not_mailed_unless_the_person_chose_so():
    path = write("Soup", by="bob")
    Caller(REST, "alice").act("add_comment", path, text="Nice").assert_done()

    run_jobs()

    assert outbox() == []


@pytest.mark.rule("notifications.email-left")
@pytest.mark.parametrize("why", ["left", "deleted", "suspended", "turned off", "left the tenant"])
def test_nothing_is_mailed_about_items_that_the_person_can_no_longer_read(world: World, why: str):
    path = write()
    if why == "left":
        end_membership(world, "bob")
    elif why == "deleted":
        Caller(REST, "alice").act("delete_note", path).assert_done()
    elif why == "suspended":
        User.objects.filter(email=BOB).update(suspended_at=world.now)
    elif why == "left the tenant":
        person = world.person("bob")
        type(person).unscoped.filter(id=person.id).update(archived_at=world.now)
    else:
        answer = perform_on("json", "bob", PREFERENCES, notifications={"mention": {"email": False}})
        assert answer.status_code == 200

    run_jobs()

    assert outbox() == []
    assert status_of() == "dismissed"


def test_without_a_mail_server_nothing_is_mailed(settings: Settings):
    settings.IS_EMAIL_ON = False

    write()

    assert not Recipient.unscoped.filter(channel=Channel.EMAIL).exists()
    assert Recipient.unscoped.filter(channel=Channel.IN_APP).exists()


# --- How often ------------------------------------------------------------------------------


def send_again() -> None:
    row = Recipient.unscoped.get(channel=Channel.EMAIL)
    with tenant_bound(row.tenant_id):
        send_email.enqueue(tenant_id=str(row.tenant_id), recipient_id=str(row.id))
    run_jobs()


@pytest.mark.rule("notifications.email-once")
def test_an_email_is_sent_once_however_often_its_job_runs():
    write()
    run_jobs()

    send_again()

    assert len(outbox(BOB)) == 1
    assert status_of() == "delivered"


@pytest.mark.parametrize(
    "fault",
    [
        {"opening": [ConnectionRefusedError("bob@example.com")]},
        {"before": [SMTPRecipientsRefused({BOB: (451, b"later")})]},
        {"before": [SMTPDataError(451, b"later")]},
    ],
    ids=["closed", "recipient refused for now", "text refused for now"],
)
def test_an_email_that_was_not_accepted_is_retried(
    monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
):
    write()
    with scripted(monkeypatch, **fault):
        run_jobs()
        assert (outbox(), status_of()) == ([], "pending")

        run_jobs(again=True)

    assert len(outbox(BOB)) == 1
    assert status_of() == "delivered"


def test_an_email_is_not_retried_after_a_permanent_refusal(monkeypatch: pytest.MonkeyPatch):
    write()

    with scripted(monkeypatch, before=[SMTPRecipientsRefused({BOB: (550, b"no such user")})]):
        run_jobs()
        run_jobs(again=True)

    assert (outbox(), status_of()) == ([], "failed")


@pytest.mark.rule("notifications.email-once")
def test_an_email_of_unknown_outcome_is_sent_at_most_twice_with_the_same_id(
    monkeypatch: pytest.MonkeyPatch,
):
    write()

    with scripted(monkeypatch, after=[SMTPServerDisconnected("lost")] * 5):
        for _ in range(5):
            run_jobs(again=True)

    assert len({header(each, "Message-ID") for each in outbox(BOB)}) == 1
    assert (len(outbox(BOB)), status_of()) == (2, "failed")


def test_an_email_of_a_killed_worker_is_sent_at_most_twice(monkeypatch: pytest.MonkeyPatch):
    write()

    with scripted(monkeypatch), monkeypatch.context() as patch:
        sent = ScriptedBackend.send_messages

        def killed(self: ScriptedBackend, messages: Any) -> int:
            sent(self, messages)
            raise KeyboardInterrupt

        patch.setattr(ScriptedBackend, "send_messages", killed)
        row = None
        for _ in range(4):
            row = row or _queued()
            try:
                with tenant_bound(row.tenant_id):
                    send_email.call(tenant_id=str(row.tenant_id), recipient_id=str(row.id))
            except KeyboardInterrupt:
                continue

    assert (len(outbox(BOB)), status_of()) == (2, "failed")


def _queued() -> Recipient:
    found: Recipient = Recipient.unscoped.get(channel=Channel.EMAIL)
    return found


@pytest.mark.meets("attempts to send an e-mail")
def test_an_email_that_is_never_accepted_is_given_up(monkeypatch: pytest.MonkeyPatch):
    write()

    with scripted(monkeypatch, opening=[ConnectionRefusedError()] * 100):
        for _ in range(ATTEMPTS + 1):
            run_jobs(again=True)

    assert status_of() == "failed"


@pytest.mark.meets("e-mails to a person in an hour")
def test_the_number_of_emails_per_hour_is_limited():
    for _ in range(Recipient.MAX_EMAILS_PER_HOUR + 1):
        write()
        run_jobs()

    assert len(outbox(BOB)) == Recipient.MAX_EMAILS_PER_HOUR
    assert Recipient.unscoped.filter(status="rate_limited").count() == 1
    in_app = Recipient.unscoped.filter(user__email=BOB, channel=Channel.IN_APP)
    assert in_app.count() == Recipient.MAX_EMAILS_PER_HOUR + 1


def test_one_refused_recipient_does_not_delay_the_others(monkeypatch: pytest.MonkeyPatch):
    write("@alice @bob", by="scout")

    with scripted(monkeypatch, before=[SMTPRecipientsRefused({BOB: (550, b"no")})]):
        run_jobs()

    assert len(outbox()) == 1


def test_logs_contain_no_addresses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    write()
    refused = SMTPRecipientsRefused({BOB: (451, b"bob@example.com: later")})

    with scripted(monkeypatch, before=[refused] * ATTEMPTS):
        for _ in range(ATTEMPTS):
            run_jobs(again=True)

    lines = "\n".join(f"{each.getMessage()} {each.exc_text}" for each in caplog.records)
    assert "A job failed" in lines
    assert "bob@" not in lines
