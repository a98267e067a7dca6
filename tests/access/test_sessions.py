"""Sign-in, the end of sessions, CSRF protection and step-up verification."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from collectives.notes.models import Note
from tests.fixtures.world import PASSWORD, World, anonymous_client, make_token, sign_in
from tokens.models import ApiToken

WRONG = "The e-mail address or password is incorrect."
TOKENS = "/u/bob/settings/tokens"
WRITE = "/collectives/kitchen/note/actions/create_note"


@pytest.fixture
def browser(world: World) -> Client:
    return anonymous_client()


@pytest.fixture
def bob(world: World) -> Client:
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")
    return browser


def submit(browser: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return browser.post("/login", {"email": email, "password": password, **more})


def is_signed_in(browser: Client) -> bool:
    return browser.get("/whoami").status_code == 200


def markdown_of(browser: Client, path: str) -> Any:
    return browser.get(path, headers={"accept": "text/markdown"})


# --- Signing in -----------------------------------------------------------------------------


def test_a_person_signs_in_with_email_and_password(browser: Client):
    response = submit(browser, "bob@example.com")

    assert response.status_code == 303
    assert response["Location"] == "/"
    assert "Bob" in browser.get("/whoami").text


def test_the_case_of_the_email_does_not_matter(browser: Client):
    submit(browser, "Bob@Example.COM")

    assert is_signed_in(browser)


def test_the_parameter_names_of_the_public_form_are_accepted(browser: Client):
    form = {"auth_key": "bob@example.com", "password": PASSWORD}

    response = browser.post("/auth/identity/callback", form)

    assert response.status_code == 303
    assert is_signed_in(browser)


def without_what_differs(text: str, email: str) -> str:
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)
    return text.replace(email, "EMAIL")


def test_an_unknown_account_and_a_wrong_password_look_the_same(browser: Client):
    unknown = submit(browser, "nobody@example.com", "a-wrong-password")
    wrong = submit(browser, "bob@example.com", "a-wrong-password")

    assert unknown.status_code == wrong.status_code == 422
    assert WRONG in wrong.text
    assert without_what_differs(unknown.text, "nobody@example.com") == without_what_differs(
        wrong.text, "bob@example.com"
    )


def test_a_refused_sign_in_keeps_the_email_and_not_the_password(browser: Client):
    response = submit(browser, "bob@example.com", "a-wrong-password")

    assert 'value="bob@example.com"' in response.text
    assert "a-wrong-password" not in response.text
    assert not is_signed_in(browser)


def test_signing_in_renews_the_session_id(browser: Client):
    planted = SessionStore()
    planted["planted"] = True
    planted.save()
    browser.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""

    submit(browser, "bob@example.com")

    assert browser.cookies[settings.SESSION_COOKIE_NAME].value != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()


def test_the_cookie_is_http_only_and_same_site(browser: Client):
    submit(browser, "bob@example.com")

    cookie = browser.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["domain"] == ""


def test_an_agent_cannot_sign_in(browser: Client, world: World):
    agent = world.user("scout")
    agent.set_password(PASSWORD)
    agent.save()

    response = submit(browser, agent.email)

    assert response.status_code == 422
    assert WRONG in response.text
    assert not is_signed_in(browser)


def test_a_session_of_an_agent_is_ignored(browser: Client):
    sign_in(browser, "scout", "garden")

    assert not is_signed_in(browser)


def test_a_suspended_person_is_told_so_after_the_right_password_only(browser: Client):
    right = submit(browser, "erin@example.com")
    wrong = submit(browser, "erin@example.com", "a-wrong-password")

    assert right.status_code == 403
    assert "Account Suspended" in right.text
    assert wrong.status_code == 422
    assert "uspended" not in wrong.text


def test_a_person_of_other_tenants_only_is_refused(browser: Client):
    response = submit(browser, "dave@example.com")

    assert response.status_code == 403
    assert "You do not belong to Garden Cooperative." in response.text
    assert not is_signed_in(browser)


def test_a_former_member_cannot_sign_in(browser: Client, world: World, with_tenant: Any):
    with with_tenant():
        world.person("bob").archive(timezone.now())

    assert submit(browser, "bob@example.com").status_code == 403


@pytest.mark.parametrize("path", ["/collectives/kitchen", "/u/bob?tab=x", "/"])
def test_signing_in_redirects_to_the_requested_resource(browser: Client, path: str):
    response = submit(browser, "bob@example.com", redirect_to_resource=path)

    assert response["Location"] == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        " //evil.example",
        "http:///evil.example",
    ],
)
def test_signing_in_redirects_to_local_paths_only(browser: Client, elsewhere: str):
    after_post = submit(browser, "bob@example.com", redirect_to_resource=elsewhere)
    after_get = browser.get("/login", {"redirect_to_resource": elsewhere})

    assert after_post["Location"] == after_get["Location"] == "/"


def test_the_form_keeps_the_requested_resource(browser: Client):
    refused = browser.get("/collectives/kitchen?cursor=x")
    form = browser.get(refused["Location"])

    assert 'value="/collectives/kitchen?cursor=x"' in form.text


@pytest.mark.meets("wrong passwords in twenty minutes")
def test_wrong_passwords_are_limited(browser: Client, settings: Any):
    settings.LIMIT_LOOPBACK = True
    for _ in range(settings.AXES_FAILURE_LIMIT):
        submit(browser, "bob@example.com", "a-wrong-password")

    response = submit(browser, "bob@example.com")

    assert response.status_code == 429
    assert 1100 < int(response["Retry-After"]) <= 1200
    assert "Too many wrong passwords." in response.text
    assert re.search(r"Try again in (19|20) minutes \(\d\d:\d\d [^)]+\)\.", response.text)
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("email", "address"),
    [("bob@example.com", "203.0.113.9"), ("alice@example.com", "127.0.0.1")],
    ids=["the account", "the address"],
)
def test_the_limit_applies_to_each_account_and_each_address(
    browser: Client, settings: Any, email: str, address: str
):
    settings.LIMIT_LOOPBACK = True
    for _ in range(settings.AXES_FAILURE_LIMIT):
        submit(browser, "bob@example.com", "a-wrong-password")

    form = {"email": email, "password": PASSWORD}
    response = browser.post("/login", form, REMOTE_ADDR=address)

    assert response.status_code == 429


def test_other_spellings_of_the_address_share_the_limit(browser: Client, settings: Any):
    settings.LIMIT_LOOPBACK = True
    for number in range(settings.AXES_FAILURE_LIMIT):
        email = "bob@example.com".replace("bob", "bob"[:number].upper() + "bob"[number:])
        form = {"email": f" {email} ", "password": "a-wrong-password"}
        browser.post("/login", form, REMOTE_ADDR=f"203.0.113.{number}")

    form = {"email": "bob@example.com", "password": PASSWORD}
    response = browser.post("/login", form, REMOTE_ADDR="203.0.113.99")

    assert response.status_code == 429


def test_the_refusal_states_the_remaining_time(browser: Client, settings: Any):
    settings.LIMIT_LOOPBACK = True
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        for _ in range(settings.AXES_FAILURE_LIMIT):
            submit(browser, "bob@example.com", "a-wrong-password")

    with time_machine.travel(now + timedelta(minutes=15), tick=False):
        response = submit(browser, "bob@example.com")

    assert response.status_code == 429
    assert 299 <= int(response["Retry-After"]) <= 301
    assert "Try again in 5 minutes" in response.text


def test_the_limit_expires(browser: Client, settings: Any):
    settings.LIMIT_LOOPBACK = True
    for _ in range(settings.AXES_FAILURE_LIMIT):
        submit(browser, "bob@example.com", "a-wrong-password")

    with time_machine.travel(timezone.now() + settings.AXES_COOLOFF_TIME + timedelta(minutes=1)):
        assert submit(browser, "bob@example.com").status_code == 303


def test_no_password_is_stored_with_a_failure(browser: Client):
    submit(browser, "bob@example.com", "a-wrong-password")

    for attempt in AccessAttempt.objects.values():
        assert "a-wrong-password" not in str(attempt)


# --- Signing out ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["post", "delete"])
def test_signing_out_ends_the_session(bob: Client, method: str):
    key = bob.cookies[settings.SESSION_COOKIE_NAME].value

    response = getattr(bob, method)("/logout")

    assert response.status_code == 303
    assert response["Location"] == "/logout-success"
    assert not Session.objects.filter(session_key=key).exists()
    assert not is_signed_in(bob)


def test_viewing_the_sign_out_page_does_not_sign_out(bob: Client):
    bob.get("/logout")

    assert is_signed_in(bob)


# --- What ends a session --------------------------------------------------------------------


def later(**delta: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def expire(bob: Client) -> Any:
    """Let a day pass with a request every hour."""
    for hours in range(1, 24):
        with later(hours=hours):
            assert is_signed_in(bob)
    return later(hours=24, minutes=1)


def stay_away(bob: Client) -> Any:
    return later(hours=2, minutes=1)


def revoke(bob: Client) -> Any:
    User.objects.get(email="bob@example.com").security_reset(timezone.now())
    return later(seconds=1)


def suspend(bob: Client) -> Any:
    User.objects.get(email="bob@example.com").suspend(timezone.now())
    return later(seconds=1)


ENDINGS = pytest.mark.parametrize(
    ("end", "alert"),
    [
        (expire, "session has expired"),
        (stay_away, "inactivity"),
        (revoke, "revoked"),
        (suspend, "suspended"),
    ],
)


@ENDINGS
def test_an_ended_session_redirects_to_sign_in_with_the_reason(
    bob: Client, end: Callable[[Client], Any], alert: str
):
    with end(bob):
        response = bob.get("/whoami")
        form = bob.get(response["Location"])

    assert response.status_code == 302
    assert response["Location"].startswith("/login?redirect_to_resource=%2Fwhoami")
    assert alert in form.text


@ENDINGS
def test_an_ended_session_is_unauthorized_in_markdown(
    bob: Client, end: Callable[[Client], Any], alert: str
):
    with end(bob):
        response = markdown_of(bob, "/whoami")

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


@ENDINGS
@pytest.mark.meets("a session", "a session without a request")
def test_an_ended_session_writes_nothing(bob: Client, end: Callable[[Client], Any], alert: str):
    with end(bob):
        response = bob.post(WRITE, {"text": "too late"})

    assert response.status_code == 303
    assert not Note.unscoped.filter(text="too late").exists()


@ENDINGS
def test_an_ended_session_is_not_restored(bob: Client, end: Callable[[Client], Any], alert: str):
    with end(bob):
        bob.get("/whoami")

    assert not is_signed_in(bob)


def test_a_request_keeps_an_idle_session_alive(bob: Client):
    for hours in (1.9, 3.8, 5.7):
        with later(hours=hours):
            assert is_signed_in(bob)


def test_a_session_started_after_the_reset_is_valid(browser: Client, world: World):
    world.user("bob").security_reset(timezone.now() - timedelta(minutes=1))

    submit(browser, "bob@example.com")

    assert is_signed_in(browser)


def test_a_former_members_session_can_only_sign_out(bob: Client, world: World, with_tenant: Any):
    with with_tenant():
        world.person("bob").archive(timezone.now())

    response = bob.get("/collectives/kitchen")

    assert response.status_code == 403
    assert 'href="/logout"' in response.text
    assert "Kitchen Crew" not in response.text


def test_a_session_is_valid_in_its_tenant_only(browser: Client):
    sign_in(browser, "alice", "garden")

    in_summit = browser.get("/whoami", headers={"host": "summit.localhost"})

    assert is_signed_in(browser)
    assert in_summit.status_code == 302
    assert in_summit["Location"].startswith("/login?")


def test_a_request_with_a_token_does_not_touch_the_session(bob: Client):
    token = {"authorization": f"Bearer {make_token('alice')}", "accept": "*/*"}

    with later(hours=3):
        response = bob.get("/whoami", headers=token)

    assert response.status_code == 200
    assert settings.SESSION_COOKIE_NAME not in response.cookies
    assert is_signed_in(bob)


# --- CSRF -----------------------------------------------------------------------------------


@pytest.fixture
def strict(world: World) -> Client:
    """Bob's browser with CSRF checks, on the page with the form."""
    browser = anonymous_client(enforce_csrf_checks=True)
    sign_in(browser, "bob", "garden")
    browser.get("/collectives/kitchen/note")
    return browser


def csrf(browser: Client) -> str:
    page = browser.get("/collectives/kitchen/note").text
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found.group(1)


def is_written(text: str) -> bool:
    return Note.unscoped.filter(text=text).exists()


@pytest.mark.parametrize("accept", ["text/html", "text/markdown", "application/json"])
@pytest.mark.parametrize("sent", [{}, {"csrfmiddlewaretoken": "a" * 64}], ids=["none", "wrong"])
def test_a_session_writes_nothing_without_its_csrf_token(
    strict: Client, accept: str, sent: dict[str, str]
):
    response = strict.post(WRITE, {"text": "forged", **sent}, headers={"accept": accept})

    assert response.status_code == 403
    assert not is_written("forged")


def test_the_csrf_refusal_says_to_reload(strict: Client):
    response = strict.post(WRITE, {"text": "forged"})

    assert "Reload the page" in response.text


def test_a_form_contains_its_csrf_token(strict: Client):
    response = strict.post(WRITE, {"text": "mine", "csrfmiddlewaretoken": csrf(strict)})

    assert response.status_code == 303
    assert is_written("mine")


@pytest.mark.parametrize("name", ["X-CSRF-Token", "X-CSRFToken"])
def test_a_script_can_send_the_csrf_token_in_either_header(strict: Client, name: str):
    response = strict.post(WRITE, {"text": "mine"}, headers={name: csrf(strict)})

    assert response.status_code == 303
    assert is_written("mine")


def test_a_token_needs_no_csrf_token(world: World):
    program = anonymous_client(enforce_csrf_checks=True)
    headers = {"authorization": f"Bearer {make_token('bob')}", "accept": "text/markdown"}

    response = program.post(WRITE, {"text": "mine"}, headers=headers)

    assert response.status_code == 200
    assert is_written("mine")


def test_an_invalid_authorization_header_does_not_bypass_csrf(strict: Client):
    response = strict.post(WRITE, {"text": "forged"}, headers={"authorization": "Bearer x"})

    assert response.status_code == 401
    assert not is_written("forged")


def test_signing_in_and_out_require_the_csrf_token(strict: Client, world: World):
    stranger = anonymous_client(enforce_csrf_checks=True)

    assert submit(stranger, "bob@example.com").status_code == 403
    assert strict.post("/logout").status_code == 403
    assert is_signed_in(strict)


# --- Step-up verification -------------------------------------------------------------------


@pytest.fixture
def stale(world: World) -> Client:
    """Bob's browser, more than an hour after signing in."""
    return stale_browser("bob")


def stale_browser(handle: str) -> Client:
    browser = anonymous_client()
    sign_in(browser, handle, "garden", timezone.now() - timedelta(minutes=61))
    return browser


def prove(browser: Client, location: str, password: str = PASSWORD) -> Any:
    """Submit the form that a redirect leads to."""
    form = browser.get(location).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    fields.pop("csrfmiddlewaretoken", None)
    return browser.post("/reverify", {**fields, "password": password})


def test_signing_in_verifies_for_an_hour(browser: Client):
    sign_in(browser, "bob", "garden", timezone.now() - timedelta(minutes=59))

    assert browser.get(f"{TOKENS}/new").status_code == 200


@pytest.mark.meets("a password as proof for sensitive actions")
def test_the_token_form_requires_verification_and_returns(stale: Client):
    asked = stale.get(f"{TOKENS}/new")
    proven = prove(stale, asked["Location"])

    assert asked.status_code == 302
    assert asked["Location"].startswith("/reverify?scope=api_tokens")
    assert proven.status_code == 303
    assert proven["Location"] == f"{TOKENS}/new"
    assert stale.get(proven["Location"]).status_code == 200


def test_a_wrong_password_does_not_verify(stale: Client):
    asked = stale.get(f"{TOKENS}/new")

    refused = prove(stale, asked["Location"], "a-wrong-password")

    assert refused.status_code == 422
    assert "The password is incorrect." in refused.text
    assert stale.get(f"{TOKENS}/new").status_code == 302


def test_verification_lasts_an_hour(stale: Client):
    prove(stale, stale.get(f"{TOKENS}/new")["Location"])

    with later(minutes=59):
        assert stale.get(f"{TOKENS}/new").status_code == 200
    with later(minutes=61):
        assert stale.get(f"{TOKENS}/new").status_code == 302


def test_verification_applies_to_one_scope(world: World):
    stale = stale_browser("alice")
    prove(stale, stale.get("/u/alice/settings/tokens/new")["Location"])

    assert stale.get("/u/alice/settings/tokens/new").status_code == 200
    assert stale.get("/tenant-admin")["Location"].startswith("/reverify?scope=admin")


def test_an_interrupted_form_is_resent_after_verification(stale: Client):
    form = {"api_token[name]": "interrupted", "api_token[read_write]": "write"}
    asked = stale.post(TOKENS, form)
    assert asked.status_code == 303
    assert not ApiToken.unscoped.filter(name="interrupted").exists()

    proven = prove(stale, asked["Location"])
    replay = stale.get(proven["Location"]).text
    fields = dict(re.findall(r'name="(api_token\[\w+\])" value="([^"]*)"', replay))
    made = stale.post(TOKENS, fields)

    assert proven["Location"] == "/reverify/replay"
    assert f'action="{TOKENS}"' in replay
    assert fields == form
    assert made.status_code == 200
    assert ApiToken.unscoped.get(name="interrupted").scopes[1:]


def test_a_program_with_a_session_is_told_where_to_verify(stale: Client):
    shown = markdown_of(stale, f"{TOKENS}/new")
    sent = stale.post(
        f"{TOKENS}/new/actions/create_api_token",
        {"name": "unproven"},
        headers={"accept": "text/markdown"},
    )

    for response in (shown, sent):
        assert response.status_code == 403
        assert "/reverify" in response.text
    assert not ApiToken.unscoped.filter(name="unproven").exists()


def test_tokens_never_require_verification(world: World):
    program = anonymous_client()
    headers = {"authorization": f"Bearer {make_token('alice')}", "accept": "text/markdown"}

    for path in ("/u/alice/settings/tokens/new", "/tenant-admin"):
        assert program.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/tenant-admin", "/tenant-admin/settings", "/tenant-admin/users"])
def test_tenant_administration_requires_verification(world: World, path: str):
    asked = stale_browser("alice").get(path)

    assert asked.status_code == 302
    assert asked["Location"].startswith("/reverify?scope=admin")


def test_permission_is_checked_before_verification(stale: Client):
    assert stale.get("/tenant-admin").status_code == 403
    assert stale.get("/u/alice/settings/tokens/new").status_code == 403


def test_verification_redirects_to_local_paths_only(stale: Client):
    form = {"scope": "api_tokens", "then": "https://evil.example/", "password": PASSWORD}

    assert stale.post("/reverify", form)["Location"] == "/"


def test_an_anonymous_browser_signs_in_before_verification(browser: Client):
    response: HttpResponse = browser.get("/reverify?scope=admin")  # type: ignore[assignment]  # the test client's own class

    assert response.status_code == 302
    assert response["Location"].startswith("/login?")


def test_wrong_verifications_are_limited(stale: Client, settings: Any):
    settings.LIMIT_LOOPBACK = True
    location = stale.get(f"{TOKENS}/new")["Location"]
    for _ in range(settings.AXES_FAILURE_LIMIT):
        prove(stale, location, "a-wrong-password")

    response = prove(stale, location)

    assert response.status_code == 429
    assert stale.get(f"{TOKENS}/new").status_code == 302
