"""The settings of e-mail: `HARMONIC_EMAIL_URL` and `HARMONIC_EMAIL_FROM`."""

from __future__ import annotations

from typing import Any

import pytest
from environs import EnvValidationError, ValidationError

from harmonic.environment import EMAIL_TIMEOUT, check_sender, email_settings

pytestmark = pytest.mark.one_database
SECRET = "correct-horse"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            f"submission://bob:{SECRET}@mail.example",
            {"EMAIL_HOST": "mail.example", "EMAIL_PORT": 587, "EMAIL_USE_TLS": True},
        ),
        ("smtp://mail.example:2525", {"EMAIL_PORT": 2525, "EMAIL_USE_TLS": False}),
        ("smtp://mail.example:465?ssl=true", {"EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}),
        ("smtp://u:p%40ss@mail.example", {"EMAIL_HOST_PASSWORD": "p@ss"}),
        ("smtp://mail.example?timeout=3", {"EMAIL_TIMEOUT": 3}),
        ("smtp://mail.example", {"EMAIL_TIMEOUT": EMAIL_TIMEOUT}),
    ],
)
def test_the_url_defines_the_mail_server(url: str, expected: dict[str, Any]):
    found = email_settings(url)

    assert {name: found[name] for name in expected} == expected
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")


def test_no_url_means_no_emails():
    assert email_settings("") == {}


@pytest.mark.parametrize(
    "url", [f"imap://bob:{SECRET}@x", "mail.example", f"smtp://bob:{SECRET}@x:port"]
)
def test_an_invalid_url_is_refused_without_repeating_it(url: str):
    with pytest.raises(EnvValidationError) as refused:
        email_settings(url)

    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("sender", ["", "a@example.org", "Harmonic <no-reply@example.org>"])
def test_a_sender_is_an_address(sender: str):
    check_sender(sender)


@pytest.mark.parametrize("sender", ["Harmonic", "@", "a@b\nBcc: c@d"])
def test_an_invalid_sender_is_refused(sender: str):
    with pytest.raises(ValidationError):
        check_sender(sender)
