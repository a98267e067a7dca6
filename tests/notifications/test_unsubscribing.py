"""The unsubscribe link in e-mails, which requires no sign-in (RFC 8058)."""

from __future__ import annotations

import pytest
from django.test import Client

from collectives.notifications.models import Notification, Preference
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World, anonymous_client, sign_in
from tests.notifications.outbox import header, link, only, outbox, path_in, run_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BOB = "bob@example.com"


@pytest.fixture(autouse=True)
def nothing_yet(world: World) -> None:
    """Start without the notifications of the demo world."""
    Notification.unscoped.all().delete()


@pytest.fixture
def visitor() -> Client:
    """Return a signed-out browser that enforces CSRF tokens."""
    return anonymous_client(enforce_csrf_checks=True)


def mention() -> None:
    Caller(REST, "alice").act("create_note", KITCHEN, text="@bob").assert_done()
    run_jobs()


@pytest.fixture
def path() -> str:
    mention()
    return path_in(header(only(BOB), "List-Unsubscribe").strip("<>"))


@pytest.mark.rule("notifications.unsubscribe")
def test_opening_the_link_changes_nothing(visitor: Client, path: str):
    for method in (visitor.get, visitor.head):
        assert method(path).status_code == 200

    assert not Preference.unscoped.exists()
    page = visitor.get(path).content.decode()
    assert "Unsubscribe from e-mails about mentions of you" in page
    assert f'action="{path}"' in page


@pytest.mark.rule("notifications.unsubscribe")
def test_the_button_unsubscribes_from_these_emails(visitor: Client, path: str):
    answer = visitor.post(path)

    assert answer.status_code == 200
    assert "will no longer send you e-mails about mentions of you" in answer.content.decode()
    mention()
    assert len(outbox(BOB)) == 1


def test_a_mail_program_unsubscribes_with_one_post(visitor: Client, path: str):
    body = "List-Unsubscribe=One-Click"
    answer = visitor.post(path, body, "application/x-www-form-urlencoded")

    assert answer.status_code == 200
    mention()
    assert len(outbox(BOB)) == 1


@pytest.mark.rule("notifications.unsubscribe")
def test_only_this_preference_changes(visitor: Client, path: str):
    visitor.post(path)

    row = Preference.unscoped.get()
    changed = (row.user.email, row.notification_type, row.channel, row.is_on)
    assert changed == (BOB, "mention", "email", False)


def test_unsubscribing_twice_is_idempotent(visitor: Client, path: str):
    for _ in range(2):
        assert visitor.post(path).status_code == 200

    assert Preference.unscoped.count() == 1


def test_the_link_in_the_email_is_the_one_in_its_headers(path: str):
    assert link(only(BOB), "Unsubscribe from these e-mails") == path


def test_the_link_changes_the_recipients_preference_whoever_is_signed_in(path: str):
    browser = anonymous_client(enforce_csrf_checks=True)
    sign_in(browser, "carol", "garden")

    assert browser.post(path).status_code == 200

    assert Preference.unscoped.get().user.email == BOB


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_changed_link_is_not_valid(visitor: Client, path: str, method: str):
    changed = path[:-1] + ("A" if path[-1] != "A" else "B")

    answer = getattr(visitor, method)(changed)

    assert answer.status_code == 404
    assert "not valid" in answer.content.decode()
    assert not Preference.unscoped.exists()


def test_the_link_works_only_at_its_own_tenant(path: str):
    elsewhere = anonymous_client("harbor")

    assert elsewhere.post(path).status_code == 404
    assert not Preference.unscoped.exists()


def test_the_page_has_no_personal_data(visitor: Client, path: str):
    page = visitor.get(path).content.decode()

    assert "bob" not in page.lower()


def test_other_methods_are_refused(visitor: Client, path: str):
    assert visitor.delete(path).status_code == 405


def test_agents_read_the_page_as_markdown(visitor: Client, path: str):
    text = visitor.get(f"{path}.md").content.decode()

    assert "# Unsubscribe from these e-mails?" in text
