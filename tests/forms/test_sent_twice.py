"""Forms that create carry a key, so that sending one twice creates once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import TenantUser
from api.models import KeyedRequest
from collectives.models import Collective, Invite
from collectives.notes.models import Note
from tests.fixtures.world import anonymous_client, sign_in
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

KITCHEN = "/collectives/kitchen"
TOKENS = "/u/alice/settings/tokens"


@dataclass(frozen=True)
class Form:
    """A form that creates: its page, its action, the text typed, and the rows."""

    page: str
    action: str
    typed: dict[str, str]
    rows: Callable[[], Any]


FORMS = (
    Form(f"{TOKENS}/new", "create_api_token", {"name": "Twice"}, lambda: tokens("Twice")),
    Form(
        f"{KITCHEN}/note",
        "create_note",
        {"text": "Twice"},
        lambda: Note.unscoped.filter(text="Twice"),
    ),
    Form(
        "/ai-agents/new",
        "create_ai_agent",
        {"name": "Twice"},
        lambda: TenantUser.unscoped.filter(display_name="Twice"),
    ),
    Form(
        "/ai-agents/new",
        "create_ai_agent",
        {"name": "Twice", "generate_token": "true"},
        lambda: TenantUser.unscoped.filter(display_name="Twice"),
    ),
    Form(
        "/collectives/new",
        "create_collective",
        {"name": "Twice", "handle": "twice"},
        lambda: Collective.unscoped.filter(handle="twice"),
    ),
)
SECRETS = (FORMS[0], FORMS[3])
IDS = ("token", "note", "agent", "agent with a token", "collective")
each_form = pytest.mark.parametrize("form", FORMS, ids=IDS)


def tokens(name: str) -> Any:
    return ApiToken.unscoped.filter(name=name)


def filled(browser: Client, form: Form) -> tuple[str, dict[str, str]]:
    """Return the address and the values of a form as its page shows it."""
    shown: Any = BeautifulSoup(browser.get(form.page).content, "html.parser")
    element = shown.find("form", action=re.compile(f"/actions/{form.action}$"))
    assert element is not None
    hidden = {each["name"]: each["value"] for each in element.select("input[type=hidden]")}
    return element["action"], {**hidden, **form.typed}


@each_form
def test_a_form_sent_twice_redirects_to_what_the_first_request_created(
    page: Any, form: Form
) -> None:
    alice = page("alice")
    action, values = filled(alice, form)

    first = alice.post(action, values)
    again = alice.post(action, values, follow=True)

    assert form.rows().count() == 1
    assert again.status_code == 200
    assert "You had already submitted this form" in again.text
    if form in SECRETS:
        secret = re.search(r"hmn_\w{42}", first.text)
        assert secret is not None
        assert secret[0] not in again.text
        assert "cannot be shown again" in again.text
    else:
        assert again.redirect_chain == [(first["Location"], 303)]


@each_form
def test_each_rendering_of_a_form_has_a_key_of_its_own(page: Any, form: Form) -> None:
    alice = page("alice")
    first, second = (filled(alice, form)[1]["form_key"] for _ in range(2))

    assert first != second


def test_a_form_that_changes_carries_no_key(page: Any) -> None:
    shown = page("alice").get("/u/alice/settings").text

    assert "/actions/update_profile" in shown
    assert "form_key" not in shown


def test_a_button_that_creates_carries_a_key(page: Any) -> None:
    alice = page("alice")
    action, values = filled(
        alice, Form(f"{KITCHEN}/invite", "create_invite", {}, Invite.unscoped.all)
    )

    alice.post(action, values)
    again = alice.post(action, values, follow=True)

    assert "You had already submitted this form" in again.text


def test_a_script_without_a_form_repeats_what_it_sends(page: Any) -> None:
    alice, action = page("alice"), f"{KITCHEN}/note/actions/create_note"

    for _ in range(2):
        alice.post(action, {"text": "Twice", "form_key": "k1"}, content_type="application/json")

    assert FORMS[1].rows().count() == 2


def test_a_refused_form_is_sent_again_with_what_was_corrected(page: Any) -> None:
    alice, form = page("alice"), FORMS[1]
    action, values = filled(alice, form)

    refused = alice.post(action, {**values, "text": ""})
    corrected = alice.post(action, values)

    assert refused.status_code == 422
    assert "form_key" in refused.text
    assert corrected.status_code == 303
    assert form.rows().count() == 1


def test_a_form_that_was_changed_before_it_was_sent_again_loses_nothing(page: Any) -> None:
    alice, form = page("alice"), FORMS[1]
    action, values = filled(alice, form)

    alice.post(action, values)
    alice.post(action, {**values, "text": "Another"})

    assert form.rows().count() == 1
    assert Note.unscoped.filter(text="Another").count() == 1


def test_a_key_belongs_to_its_user_and_its_action(page: Any) -> None:
    alice, bob, form = page("alice"), page("bob"), FORMS[1]
    action, values = filled(alice, form)

    alice.post(action, values)
    bob.post(action, values)
    alice.post(action.replace("kitchen", "treasury"), values)
    alice.post("/note/actions/create_note", values)

    assert form.rows().filter(collective__handle="kitchen").count() == 2
    assert form.rows().count() == 4


@pytest.mark.parametrize("key", ["", " ", "\n", "x" * 300, "ü"])
def test_a_key_that_cannot_be_read_is_no_key(page: Any, key: str) -> None:
    alice, form = page("alice"), FORMS[1]
    action, values = filled(alice, form)

    answers = [alice.post(action, {**values, "form_key": key}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert form.rows().count() == 2


def test_a_form_that_waits_for_a_password_is_carried_out_once(page: Any, world: Any) -> None:
    alice, form = page("alice", at=world.now - timedelta(hours=1, minutes=50)), FORMS[0]
    values = {"name": "Twice", "form_key": "a-key-of-its-own"}
    action = f"{form.page}/actions/create_api_token"

    asked = [alice.post(action, values) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [303, 303]
    assert [answer["Location"].partition("?")[0] for answer in asked] == ["/reverify"] * 2
    assert form.rows().count() == 0

    sign_in(alice, "alice", "garden")
    assert alice.post(action, values).status_code == 200
    assert alice.post(action, values).status_code == 303
    assert form.rows().count() == 1


@pytest.mark.meets("wait of a form that is sent again")
def test_a_form_sent_while_its_first_request_runs_is_refused(page: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("api.idempotency.once.FORM_WAIT", timedelta(milliseconds=100))
    alice, form = page("alice"), FORMS[1]
    action, values = filled(alice, form)
    alice.post(action, values)
    rows = KeyedRequest.unscoped.all()
    rows.update(status=None)

    waiting = alice.post(action, values)
    rows.update(claimed_at=timezone.now() - KeyedRequest.CUT_OFF_AFTER)
    taken_over = alice.post(action, values)

    assert waiting.status_code == 409
    assert "still being processed" in waiting.text
    assert taken_over.status_code == 303
    assert form.rows().count() == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("form", FORMS[:4], ids=IDS[:4])
def test_four_at_once_make_one(transactional_world: Any, form: Form) -> None:
    browser = anonymous_client()
    sign_in(browser, "alice", "garden")
    action, values = filled(browser, form)
    answers: list[Any] = []
    barrier = threading.Barrier(4)

    def send() -> None:
        try:
            again = anonymous_client()
            again.cookies = browser.cookies
            barrier.wait()
            answers.append(again.post(action, values))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert form.rows().count() == 1
    is_secret = form in SECRETS
    assert (
        sorted(answer.status_code for answer in answers) == [200, 303, 303, 303]
        if is_secret
        else [303] * 4
    )
    assert len({answer["Location"] for answer in answers if answer.status_code == 303}) == 1
