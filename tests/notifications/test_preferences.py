"""The notification settings of a person (content §19.3), on every surface."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from collectives.notifications.models import Notification, Preference, Recipient
from tests.fixtures.performing import Perform, perform_on, refused, succeeded
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PAGE = "/u/bob/settings/notifications"
UPDATE = f"{PAGE}/actions/update_notification_preferences"


@pytest.fixture(autouse=True)
def nothing_yet(world: World) -> None:
    """Start without the notifications of the demo world."""
    Notification.unscoped.all().delete()


@pytest.fixture
def browser() -> Client:
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    return browser


def choose(**notifications: Any) -> None:
    assert perform_on("json", "bob", UPDATE, notifications=notifications).status_code == 200


def channels(who: str = "bob") -> set[str]:
    """Return the channels through which a mention is notified."""
    Caller(REST, "alice").act("create_note", KITCHEN, text=f"@{who}").assert_done()
    rows = Recipient.unscoped.filter(user__memberships__handle=who).distinct()
    return {row.channel for row in rows}


def ticked(page: str) -> set[str]:
    boxes = BeautifulSoup(page, "html.parser").select("input[type=checkbox]")
    return {str(each["value"]) for each in boxes if each.has_attr("checked")}


def test_by_default_mentions_and_tokens_are_mailed(browser: Client):
    assert ticked(browser.get(PAGE).content.decode()) == {
        "mention:in_app",
        "mention:email",
        "comment:in_app",
        "participation:in_app",
        "reminder:in_app",
        "system:in_app",
        "system:email",
    }


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"email": False}, {"in_app"}),
        ({"in_app": False}, {"email"}),
        ({"in_app": False, "email": False}, set()),
        ({}, {"in_app", "email"}),
    ],
)
def test_a_notification_is_sent_through_the_chosen_channels(
    chosen: dict[str, bool], expected: set[str]
):
    choose(mention=chosen)

    assert channels() == expected


def test_with_all_channels_off_no_notification_is_stored():
    choose(mention={"in_app": False, "email": False})

    channels()

    assert not Notification.unscoped.exists()


def test_a_choice_applies_to_one_person_and_type():
    choose(mention={"email": False})

    row = Preference.unscoped.get()
    assert (row.user.email, row.notification_type) == ("bob@example.com", "mention")
    assert channels("scout") == {"in_app"}


@pytest.mark.rule("notifications.preferences")
def test_a_person_can_choose_on_every_surface(surface: str):
    sent: Any = {"mention": {"email": False}}
    if surface == "html":
        sent = ["", "mention:in_app", "comment:in_app", "participation:in_app", "system:in_app"]

    assert succeeded(perform_on(surface, "bob", UPDATE, notifications=sent))

    assert channels() == {"in_app"}


def test_the_form_disables_what_is_not_selected(browser: Client):
    answer = browser.post(UPDATE, {"notifications": ["", "comment:email"]})

    assert answer.status_code == 303
    assert ticked(browser.get(PAGE).content.decode()) == {"comment:email"}


def test_preferences_that_a_program_leaves_out_stay_unchanged():
    choose(comment={"email": True})
    choose(mention={"email": False})

    rows = Preference.unscoped.values_list("notification_type", "is_on")
    assert dict(rows) == {"comment": True, "mention": False}


def test_the_markdown_page_has_the_choices_and_the_action():
    choose(comment={"email": True})

    text = token_client(make_token("bob")).get(PAGE, headers={"accept": "text/markdown"}).text

    assert "| Replies to you | `comment` | on | on |" in text
    assert "| Mentions of you | `mention` | on | on |" in text
    assert "update_notification_preferences" in text


@pytest.mark.parametrize(
    "sent",
    [
        {"nonsense": {"email": True}},
        {"mention": {"pigeon": True}},
        {"mention": {"email": "perhaps"}},
        {"mention": True},
        "mention",
        7,
        ["mention:pigeon"],
        None,
    ],
)
def test_unknown_types_and_channels_are_refused(sent: Any):
    answer = perform_on("json", "bob", UPDATE, notifications=sent)

    assert answer.status_code == 422, answer.content
    assert not Preference.unscoped.exists()


def test_a_refused_form_keeps_the_selection(browser: Client):
    answer = browser.post(UPDATE, {"notifications": ["", "comment:email", "mention:pigeon"]})

    assert answer.status_code == 422
    assert ticked(answer.content.decode()) == {"comment:email"}


@pytest.mark.rule("notifications.preferences")
def test_people_cannot_choose_for_others(perform: Perform):
    answer = perform("alice", UPDATE, notifications={})

    assert refused(answer, 403, "These notification settings belong to another account.")


def test_a_parent_cannot_read_the_settings_of_an_agent():
    path = "/u/scout/settings/notifications"

    assert token_client(make_token("alice")).get(path).status_code == 403


@pytest.mark.rule("notifications.preferences-not-agents")
def test_agents_cannot_choose():
    path = "/u/scout/settings/notifications/actions/update_notification_preferences"

    answer = perform_on("json", "scout", path, notifications={"mention": {"in_app": False}})

    assert answer.status_code == 403
    assert not Preference.unscoped.exists()


def test_a_read_only_token_cannot_choose():
    client = token_client(make_token("bob", scopes=["read:all"]))

    assert client.post(UPDATE, {"notifications": ""}).status_code == 403


def test_visitors_sign_in_first():
    answer = anonymous_client().get(PAGE)

    assert (answer.status_code, answer["Location"][:6]) == (302, "/login")


def test_the_short_path_redirects_to_the_callers_settings(browser: Client):
    answer = browser.get("/settings/notifications")

    assert (answer.status_code, answer["Location"]) == (302, PAGE)


def test_public_clients_can_post_to_the_short_path(browser: Client):
    answer = browser.post("/settings/notifications", {"notifications": ["", "comment:email"]})

    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert ticked(browser.get(PAGE).content.decode()) == {"comment:email"}


def test_the_settings_and_the_inbox_link_to_it(browser: Client):
    for path in ("/u/bob/settings", "/notifications"):
        assert f'href="{PAGE}"' in browser.get(path).content.decode()
