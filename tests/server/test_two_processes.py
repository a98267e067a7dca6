"""Changes made by one server process take effect in another immediately."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.server.process import HOST, Running, request_of, signed_in, started

pytestmark = pytest.mark.one_database

# The limit of requests per minute of a person.
LIMIT = 40


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Running]]:
    folder = tmp_path_factory.mktemp("var")
    settings = {"HARMONIC_LIMIT_LOOPBACK": "1", "HARMONIC_LIMIT_REQUESTS": str(LIMIT)}
    with (
        started(folder, prepared=True, **settings) as one,
        started(folder, prepared=False, **settings) as other,
    ):
        yield one, other


# Prints a token of each person.
TOKENS = """
from harmonic.management.commands.create_token import issue_token
for user in ("alice", "alice", "bob", "carol"):
    who = {"tenant": "garden", "user": user, "agent": None}
    print(issue_token(who, {"name": "two", "read_write": "write"}))
"""


@pytest.fixture(scope="module")
def tokens(servers: tuple[Running, Running]) -> dict[str, str]:
    made = servers[0].manage("shell", "-v", "0", "-c", TOKENS).split()
    return dict(zip(("deleted", "alice", "bob", "carol"), made, strict=True))


def ask(server: Running, token: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{server.port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n"
    )
    code, _, body = server.ask(head.encode())
    return code, body


def status(server: Running, token: str) -> int:
    return ask(server, token, "/collectives/kitchen/api/v1/notes?limit=1")[0]


Pair = tuple[Running, Running]
Tokens = dict[str, str]


def test_a_token_deleted_in_one_process_is_refused_by_the_other(servers: Pair, tokens: Tokens):
    (one, other), token = servers, tokens["deleted"]
    known = json.loads(ask(other, token, "/api/v1/tokens/self")[1])

    deleted = ask(one, token, f"/api/v1/users/me/tokens/{known['id']}", "DELETE")[0]

    assert deleted == 200
    assert status(other, token) == 401


def test_an_api_disabled_in_one_process_is_disabled_in_the_other(servers: Pair, tokens: Tokens):
    (one, other), token = servers, tokens["alice"]
    browser = signed_in(one)
    assert status(other, token) == 200

    for state, expected in (("false", 403), ("true", 200)):
        path = "/collectives/kitchen/settings"
        page = browser.open(request_of(one, path)).read()
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found is not None
        form = {"csrfmiddlewaretoken": found[1].decode(), "feature_api": state}
        browser.open(request_of(one, path, urlencode(form).encode())).close()
        assert status(other, token) == expected


def test_a_suspension_applies_in_both_processes(servers: Pair, tokens: Tokens):
    assert [status(each, tokens["bob"]) for each in servers] == [200, 200]
    suspend = (
        "from accounts.models import User; from django.utils import timezone;"
        "User.objects.get(email='bob@example.com').suspend(timezone.now())"
    )

    servers[0].manage("shell", "-v", "0", "-c", suspend)

    assert [status(each, tokens["bob"]) for each in servers] == [401, 401]


def test_processes_share_a_limit(servers: Pair, tokens: Tokens):
    """These requests span two windows at most, so one of them exceeds the limit."""
    seen = []

    for number in range(2 * LIMIT + 1):
        seen.append(ask(servers[number % 2], tokens["carol"], "/api/v1")[0])
        if seen[-1] == 429:
            break

    assert seen[-1] == 429
    assert set(seen[:-1]) == {200}
    assert len(seen) > LIMIT
