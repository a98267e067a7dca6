"""The sign-in and reverification forms: hostile values, spellings of an address, the limit."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt
from django.test import Client

from accounts.models import User
from tests.fixtures.world import PASSWORD, World, anonymous_client, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

WRONG = "The e-mail address or password is incorrect."
DOORS = pytest.mark.parametrize("path", ["/login", "/auth/identity/callback"])
# Each character folds to 18 characters.
LIGATURE = "\ufdfa"
FORM = "application/x-www-form-urlencoded"
UNACCEPTABLE = ["bob\0@example.com", "\0", "bob@example.com\ufdd0", "\uffff"]


@pytest.fixture
def browser(world: World) -> Client:
    return anonymous_client()


@pytest.fixture
def bob(world: World) -> Client:
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    return browser


def submit(browser: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return browser.post("/login", {"email": email, "password": password}, **more)


def is_signed_in(browser: Client) -> bool:
    return bool(browser.get("/whoami").status_code == 200)


# --- Values that no one types ---------------------------------------------------------------


@DOORS
@pytest.mark.parametrize("name", ["email", "auth_key", "password", "redirect_to_resource"])
@pytest.mark.parametrize("value", UNACCEPTABLE)
def test_characters_that_cannot_be_stored_are_refused(
    browser: Client, path: str, name: str, value: str
) -> None:
    sent = {"email": "bob@example.com", "password": PASSWORD, name: value}

    response = browser.post(path, sent)

    assert response.status_code == 422
    assert "contains characters that cannot be stored." in response.text
    assert not is_signed_in(browser)


@DOORS
@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("email", "b" * 255, 254),
        ("email", f"{'b' * 300}@example.com", 254),
        ("email", "b" * 3_000_000, 254),
        ("email", LIGATURE * 20, 254),
        ("auth_key", LIGATURE * 254, 254),
        ("password", "p" * 4096, 4095),
        ("redirect_to_resource", "/" * 8191, 8190),
    ],
)
def test_values_that_are_too_long_are_refused(
    browser: Client, path: str, name: str, value: str, limit: int
) -> None:
    sent = {"email": "", "password": PASSWORD, name: value}

    response = browser.post(path, sent)

    assert response.status_code == 422
    assert f"is too long (maximum {limit} characters)." in response.text
    assert len(response.content) < 20_000


def test_the_longest_values_are_accepted(browser: Client) -> None:
    response = submit(browser, f"{'b' * 242}@example.com", "p" * 4095)

    assert response.status_code == 422
    assert WRONG in response.text


@DOORS
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"email=%FF%FE&password=x", "application/x-www-form-urlencoded", 400),
        (b"email=\xff&password=x", "application/x-www-form-urlencoded", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"email": {"a": 1}, "password": 3}', "application/json", 422),
        (b'{"email": "bob\\u0000@example.com", "password": "x"}', "application/json", 422),
        (b'{"email": "\\ud800@example.com", "password": "x"}', "application/json", 422),
        (b"<a/>", "text/xml", 415),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 422),
        (b"x", "multipart/form-data", 400),
    ],
)
def test_an_unreadable_body_is_refused(
    browser: Client, path: str, body: bytes, content_type: str, status: int
) -> None:
    response = browser.generic("POST", path, body, content_type)

    assert response.status_code == status
    assert not is_signed_in(browser)


def test_unknown_parameters_change_nothing(browser: Client) -> None:
    unknown = {"x\0": "a\0b", "y" * 3000: "z" * 3000}
    wrong = {"email": "bob@example.com", "password": "a-wrong-password", **unknown}
    right = {**wrong, "password": PASSWORD}
    agent = {"user-agent": "a" * 3000, "accept": "text/html," + "b" * 3000}

    for form, status in ((wrong, 422), (right, 303)):
        response = browser.post("/login", urlencode(form), FORM, headers=agent)
        assert response.status_code == status


def test_a_person_signs_in_with_json(browser: Client) -> None:
    sent = json.dumps({"email": "bob@example.com", "password": PASSWORD})

    assert browser.post("/login", sent, "application/json").status_code == 303


def test_a_password_in_the_url_is_not_read(browser: Client) -> None:
    response = browser.post(f"/login?email=bob@example.com&password={PASSWORD}", {})

    assert response.status_code == 422
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("sent", "status", "sentence"),
    [
        ({"scope": "api_tokens", "password": "a\0"}, 422, "The password contains characters"),
        ({"scope": "api_tokens", "password": "p" * 4096}, 422, "The password is too long"),
        ({"scope": "a\0", "password": PASSWORD}, 422, "The scope contains characters"),
        ({"scope": "a" * 101, "password": PASSWORD}, 422, "The scope is too long"),
        (
            {"scope": "api_tokens", "then": "/\0", "password": PASSWORD},
            422,
            "return address contains",
        ),
        ({"scope": "api_tokens", "password": "wrong"}, 422, "The password is incorrect."),
        ({"scope": "nothing", "password": PASSWORD}, 400, "There is nothing to confirm"),
    ],
)
def test_reverification_refuses_hostile_values(
    bob: Client, sent: dict[str, str], status: int, sentence: str
) -> None:
    response = bob.post("/reverify", sent)

    assert response.status_code == status
    assert sentence in response.text


def test_reverification_reads_no_password_from_the_url(bob: Client) -> None:
    path = f"/reverify?scope=api_tokens&then=/note&password={PASSWORD}"

    assert bob.post(path, {}).status_code == 422
    response = bob.post(path, {"password": PASSWORD})
    assert (response.status_code, response["Location"]) == (303, "/note")


# --- Spellings of an address ----------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    [
        "BOB@example.com",
        " Bob@Example.COM ",
        "ｂｏｂ@example.com",  # full width
        "𝐛𝐨𝐛@example.com",  # mathematical bold
        "bob@exampl\u212f.com",  # script small e
    ],
)
def test_spellings_with_the_same_key_sign_in(browser: Client, email: str) -> None:
    assert submit(browser, email).status_code == 303


@pytest.mark.parametrize(
    "email",
    [
        "al\u0131ce@example.com",  # dotless i
        "AL\u0130CE@example.com",  # dotted capital I
        "al\u0456ce@example.com",  # Cyrillic
        "ali\u0301ce@example.com",
        "ali\u200bce@example.com",
        "ali%e@example.com",
        "al_ce@example.com",
    ],
)
def test_a_lookalike_address_does_not_sign_in(browser: Client, email: str) -> None:
    response = submit(browser, email)

    assert response.status_code == 422
    assert WRONG in response.text
    assert not is_signed_in(browser)


@pytest.mark.parametrize("last", ["bob@example.com", "ｂｏｂ@example.com", "BOB@EXAMPLE.COM"])
def test_all_spellings_of_an_address_share_five_wrong_passwords(
    browser: Client, settings: Any, last: str
) -> None:
    settings.LIMIT_LOOPBACK = True
    spellings = [
        "bob@example.com",
        "BoB@example.com",
        "ｂｏｂ@example.com",
        "b𝐨b@example.com",
        " bob@example.com",
    ]
    for number, email in enumerate(spellings):
        assert submit(browser, email, "wrong", REMOTE_ADDR=f"203.0.113.{number}").status_code == 422

    response = submit(browser, last, REMOTE_ADDR="203.0.113.99")

    assert response.status_code == 429
    assert set(AccessAttempt.objects.values_list("username", flat=True)) == {"bob@example.com"}


def test_wrong_passwords_for_a_lookalike_do_not_lock_the_account(
    browser: Client, settings: Any
) -> None:
    settings.LIMIT_LOOPBACK = True
    for number in range(6):
        submit(browser, "al\u0131ce@example.com", "wrong", REMOTE_ADDR=f"203.0.113.{number}")

    assert submit(browser, "alice@example.com", REMOTE_ADDR="203.0.113.99").status_code == 303


def test_the_key_of_every_account_matches_its_address(world: World) -> None:
    assert User.objects.exclude(email_key="").count() == User.objects.count() > 5
    assert User.objects.get(email_key="bob@example.com") == world.user("bob")
