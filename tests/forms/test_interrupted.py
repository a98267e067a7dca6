"""A form interrupted by an expired session, reverification or a refusal keeps its text."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import User
from collectives.models import CollectiveMember
from collectives.notes.models import Note
from harmonic.access import kept_forms
from harmonic.http import outages
from harmonic.kernel.refusals import Refused
from tests.fixtures.world import PASSWORD, World, anonymous_client, sign_in

WRITE = "/collectives/kitchen/note/actions/create_note"
REPLAY = "/reverify/replay"
TYPED = {"title": "Soup", "text": "Onions\r\n\r\nand <b>salt</b>"}


def later(**delta: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


@pytest.fixture
def bob(world: World) -> Client:
    browser = anonymous_client(enforce_csrf_checks=True)
    sign_in(browser, "bob", "garden")
    return browser


def parsed(content: bytes) -> Any:
    return BeautifulSoup(content, "html.parser")


def csrf_of(browser: Client, path: str = "/collectives/kitchen/note") -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).text)
    assert found
    return found.group(1)


def signed_in_again(browser: Client, location: str, email: str = "bob@example.com") -> Any:
    form = parsed(browser.get(location).content).select_one("main form")
    sent = {each["name"]: each.get("value", "") for each in form("input")}
    return browser.post("/login", sent | {"email": email, "password": PASSWORD})


def form_of(browser: Client) -> Any:
    answer = browser.get(REPLAY)
    return parsed(answer.content).select_one("main form")


def send_again(browser: Client) -> Any:
    form = form_of(browser)
    sent: dict[str, list[str]] = {}
    for each in form("input"):
        sent.setdefault(each["name"], []).append(each.get("value", ""))
    return browser.post(form["action"], sent)


# --- An expired session ---------------------------------------------------------------------


def test_a_form_of_an_expired_session_is_sent_again_after_signing_in(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        sign_in_page = bob.get(refused["Location"]).text
        answer = signed_in_again(bob, refused["Location"])
        made = send_again(bob)

    assert refused.status_code == 303
    assert "Your session expired after a period of inactivity." in sign_in_page
    assert "The form that you sent is kept for 30 minutes." in sign_in_page
    assert answer["Location"] == REPLAY
    assert made.status_code == 303
    assert Note.unscoped.get(title="Soup").text == "Onions\n\nand <b>salt</b>"


def test_the_form_is_shown_before_it_is_sent_again(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        signed_in_again(bob, refused["Location"])
        form = form_of(bob)

    shown = [form.find(id=label["for"]).text for label in form("label")]
    assert [each.removeprefix("\n") for each in shown] == list(TYPED.values())
    assert form.button.text.strip() == "Create note"
    assert not Note.unscoped.filter(title="Soup").exists()


def test_a_kept_form_stays_until_its_time_runs_out(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        signed_in_again(bob, refused["Location"])
        assert form_of(bob)
        assert form_of(bob)
    with later(hours=2, minutes=30):
        assert form_of(bob)


@pytest.mark.meets("a form interrupted by sign-in or reverification")
def test_a_form_is_not_kept_for_longer_than_its_time(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
    with later(hours=2, minutes=31, seconds=1):
        signed_in_again(bob, refused["Location"])
        answer = bob.get(REPLAY, follow=True)

        assert answer.redirect_chain == [("/", 302)]
        assert "There is no form to send again." in answer.text
        assert kept_forms.FORM not in bob.session


@pytest.mark.meets("characters of a form interrupted by sign-in or reverification")
@pytest.mark.parametrize("beyond", [0, 1])
def test_a_form_that_is_too_long_is_not_kept(
    bob: Client, monkeypatch: pytest.MonkeyPatch, beyond: int
) -> None:
    token = csrf_of(bob)
    monkeypatch.setattr(kept_forms, "MAX_CHARACTERS", 5)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {"text": "x" * (5 + beyond), "csrfmiddlewaretoken": token})

    assert ("replay" in refused["Location"]) is not beyond


def test_another_person_does_not_get_the_form_after_signing_in(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        signed_in_again(bob, refused["Location"], "alice@example.com")
        answer = bob.get(REPLAY, follow=True)

        assert "Onions" not in answer.text
        assert kept_forms.FORM not in bob.session


def test_the_form_is_not_kept_for_another_tenant(bob: Client, world: World) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        sign_in(bob, "alice", "summit")
        answer = bob.get(REPLAY, headers={"host": "summit.localhost"}, follow=True)

    assert "Onions" not in answer.text


def test_signing_out_discards_the_form(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        signed_in_again(bob, refused["Location"])
        bob.post("/logout", {"csrfmiddlewaretoken": csrf_of(bob)})

        assert kept_forms.FORM not in bob.session


def test_a_kept_form_holds_no_password_and_no_csrf_token(bob: Client) -> None:
    secrets = {"password": "hunter-2-hunter-2", "user[Password_Confirmation]": "hunter-3-hunter-3"}
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        bob.post(WRITE, {**TYPED, **secrets, "csrfmiddlewaretoken": token})

    kept = str(bob.session[kept_forms.FORM])
    assert "Onions" in kept
    assert "hunter" not in kept
    assert token not in kept


def test_a_forged_form_is_not_kept(bob: Client) -> None:
    csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, TYPED)

        assert refused.status_code == 403
        assert kept_forms.FORM not in bob.session


def test_a_form_without_a_session_is_not_kept(world: World) -> None:
    browser = anonymous_client()

    refused = browser.post(WRITE, TYPED)

    assert "replay" not in refused["Location"]
    assert kept_forms.FORM not in browser.session
    assert refused.cookies == {}


def test_the_form_of_a_suspended_person_is_not_kept(bob: Client) -> None:
    token = csrf_of(bob)
    User.objects.get(email="bob@example.com").suspend(timezone.now())
    with later(seconds=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})

    assert "replay" not in refused["Location"]


def test_a_refused_sign_in_keeps_the_form(bob: Client) -> None:
    token = csrf_of(bob)
    with later(hours=2, minutes=1):
        refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})
        sent = {
            "email": "bob@example.com",
            "password": "wrong",
            "redirect_to_resource": REPLAY,
            "csrfmiddlewaretoken": csrf_of(bob, refused["Location"]),
        }
        page = parsed(bob.post("/login", sent).content)

    assert page.title.text.split()[:3] == ["Error:", "Sign", "in"]
    assert "is kept for 30 minutes" in page.main.text
    assert page.select_one("[name=redirect_to_resource]")["value"] == REPLAY
    assert page.select_one("[name=email]")["value"] == "bob@example.com"


def test_a_sign_in_that_cannot_be_read_keeps_the_address_and_the_way_back(world: World) -> None:
    sent = {
        "email": "bob@example.com",
        "password": "x" * (User.LONGEST_PASSWORD + 1),
        "redirect_to_resource": "/u/bob",
    }
    page = parsed(anonymous_client().post("/login", sent).content)

    assert page.select_one("[name=redirect_to_resource]")["value"] == "/u/bob"
    assert page.select_one("[name=email]")["value"] == "bob@example.com"


# --- Refusals that show the text ------------------------------------------------------------


def texts_shown(answer: Any) -> list[str]:
    page = parsed(answer.content)
    return [each.text.removeprefix("\n") for each in page.select("main textarea[readonly]")]


@pytest.mark.parametrize("token", ["", "a" * 64], ids=["missing", "wrong"])
def test_a_failed_csrf_check_shows_the_text_again(bob: Client, token: str) -> None:
    answer = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})

    assert answer.status_code == 403
    assert texts_shown(answer) == list(TYPED.values())
    assert not Note.unscoped.filter(title="Soup").exists()


def test_a_form_of_a_person_who_is_no_longer_a_member_shows_the_text_again(
    bob: Client, world: World
) -> None:
    token = csrf_of(bob)
    CollectiveMember.unscoped.filter(
        person=world.person("bob"), collective__handle="kitchen"
    ).update(archived_at=timezone.now())

    answer = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})

    assert answer.status_code == 403
    assert texts_shown(answer) == list(TYPED.values())


OUTAGES = {
    "before the caller is known": "harmonic.access.middleware.RequestAccessDecider.decide",
    "during the write": "harmonic.kernel.pipeline._performed",
}


def unavailable(*args: Any) -> None:
    raise OperationalError("the database is away")


@pytest.mark.parametrize("when", OUTAGES)
def test_a_form_during_an_outage_shows_the_text_again(
    bob: Client, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    token = csrf_of(bob)
    monkeypatch.setattr(OUTAGES[when], unavailable)

    refused = bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token})

    assert refused.status_code == 503
    assert texts_shown(refused) == list(TYPED.values())


@pytest.mark.parametrize(
    ("committed", "shown"), [(True, None), (False, "Copy it before you leave this page.")]
)
def test_an_outage_at_the_commit_does_not_say_that_the_text_was_not_saved(
    bob: Client, monkeypatch: pytest.MonkeyPatch, committed: bool, shown: str | None
) -> None:
    def refusal(*args: Any) -> Refused:
        return outages._committed() if committed else outages._in_doubt(*args[:1])

    token = csrf_of(bob)
    monkeypatch.setattr(OUTAGES["during the write"], unavailable)
    monkeypatch.setattr(outages, "refusal_of", refusal)

    page = parsed(bob.post(WRITE, {**TYPED, "csrfmiddlewaretoken": token}).content).main

    assert "It was not saved." not in page.text
    assert ("Onions" in page.text) == (shown is not None)
    assert shown is None or shown in page.text


def test_a_refused_sign_in_form_shows_no_password(world: World) -> None:
    stranger = anonymous_client(enforce_csrf_checks=True)

    answer = stranger.post("/login", {"email": "bob@example.com", "password": "hunter-2-hunter-2"})

    assert answer.status_code == 403
    assert "hunter" not in answer.text
    assert texts_shown(answer) == []


def test_a_program_gets_no_text_back(bob: Client) -> None:
    answer = bob.post(WRITE, TYPED, headers={"accept": "text/markdown"})

    assert answer.status_code == 403
    assert "Onions" not in answer.text
