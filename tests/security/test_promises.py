"""Promises of SECURITY.md that other tests do not cover."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, identify_hasher
from django.test import override_settings

from accounts.models import User
from harmonic import settings as shipped
from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.world import PASSWORD, World, anonymous_client, make_token, token_client
from tokens import secret
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db


def test_passwords_are_stored_as_argon2_hashes() -> None:
    with override_settings(PASSWORD_HASHERS=shipped.PASSWORD_HASHERS):
        user = User()
        user.set_password(PASSWORD)
        hasher = identify_hasher(user.password)

        assert hasher.algorithm == "argon2"
        assert user.password.startswith("argon2$argon2id$")
        assert user.check_password(PASSWORD)
        assert not user.check_password(f"{PASSWORD}.")


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com", "scout", ""])
def test_an_unknown_account_takes_as_many_hashes_as_a_wrong_password(
    world: World, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    sent = {"email": email or "x", "password": "a-wrong-password"}
    response = anonymous_client().post("/login", sent)

    assert "The e-mail address or password is incorrect." in response.text
    assert hashed == ["a-wrong-password"]


def test_invalid_tokens_get_the_same_response_for_any_reason(world: World) -> None:
    unknown, foreign = secret.new(), make_token("alice", tenant="summit")
    deleted = make_token("bob")
    with tenant_bound(world.tenant().id):
        ApiToken.objects.filter(token_hash=secret.digest(deleted)).update(deleted_at=world.now)

    def answer(token: str) -> tuple[int, dict[str, Any]]:
        response = token_client(token).get("/api/v1")
        return response.status_code, {**response.json(), "request_id": ""}

    assert answer(make_token("bob"))[0] == 200
    answers = [answer(each) for each in (unknown, "hmn_mistyped", foreign, deleted)]
    assert answers[0] == (401, answers[0][1])
    assert answers == [answers[0]] * 4


@pytest.mark.parametrize(
    "path", ["/login", "/collectives/kitchen", "/nowhere", "/help", "/whoami.md"]
)
def test_every_response_forbids_inline_and_foreign_scripts_and_styles(page: Any, path: str) -> None:
    response = page("alice").get(path)

    policy = {
        name: sources.split()
        for name, _, sources in (
            part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";")
        )
    }
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["object-src"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["img-src"] == ["'self'", "data:"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
