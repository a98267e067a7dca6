"""The client's address with a trusted proxy, an untrusted one, or none."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from accounts.models import SecurityEvent
from harmonic.environment import network
from harmonic.kernel.http.client_address import canonical, rate_limit_address
from tests.fixtures.world import PASSWORD, anonymous_client, make_token, token_client
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

PROXY = "10.0.0.1"
# How a client reaches the server: the peer's address, X-Forwarded-For, the client's address.
WAYS: dict[str, tuple[str, str, str]] = {
    "no proxy": ("203.0.113.7", "", "203.0.113.7"),
    "no proxy, over IPv6": ("2001:db8::1", "", "2001:db8::1"),
    "no proxy, IPv4 on an IPv6 socket": ("::ffff:203.0.113.7", "", "203.0.113.7"),
    "a trusted proxy": (PROXY, "203.0.113.7", "203.0.113.7"),
    "a trusted proxy on an IPv6 socket": (f"::ffff:{PROXY}", "203.0.113.7", "203.0.113.7"),
    "a trusted proxy that adds the port": (PROXY, "203.0.113.7:51234", "203.0.113.7"),
    "a trusted proxy that maps IPv4": (PROXY, "::ffff:203.0.113.7", "203.0.113.7"),
    "a trusted proxy, over IPv6": (PROXY, "2001:DB8:0::1", "2001:db8::1"),
    "a trusted proxy, over IPv6 with a port": (PROXY, "[2001:db8::1]:443", "2001:db8::1"),
    "a trusted proxy, over IPv6 in brackets": (PROXY, "[2001:db8::1]", "2001:db8::1"),
    "two trusted proxies": (PROXY, "203.0.113.7, 10.0.0.2", "203.0.113.7"),
    "a trusted proxy and an invented hop": (PROXY, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
    "a trusted proxy without the header": (PROXY, "", PROXY),
    "a trusted proxy that knows no address": (PROXY, "198.51.100.1, unknown", PROXY),
    "an untrusted proxy": ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
    "an untrusted proxy behind a trusted one": (
        PROXY,
        "198.51.100.1, 203.0.113.7, 10.0.0.2",
        "203.0.113.7",
    ),
}
EVERY_WAY = pytest.mark.parametrize(("peer", "forwarded", "address"), WAYS.values(), ids=WAYS)


@pytest.fixture(autouse=True)
def behind_a_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/30"),)
    settings.LIMIT_LOOPBACK = True


def via(client: Client, peer: str, forwarded: str) -> Client:
    """Return a client whose requests take this way."""
    client.defaults["REMOTE_ADDR"] = peer
    if forwarded:
        client.defaults["HTTP_X_FORWARDED_FOR"] = forwarded
    return client


def sign_in(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/login", {"email": email, "password": password}).status_code


def lock(peer: str, forwarded: str) -> None:
    """Lock sign-in by wrong passwords for accounts that do not exist."""
    for number in range(configured.AXES_FAILURE_LIMIT):
        attacker = via(anonymous_client(), peer, forwarded)
        assert sign_in(attacker, f"nobody-{number}@example.com", "a-wrong-password") == 422


# --- Sign-in --------------------------------------------------------------------------------


@EVERY_WAY
def test_wrong_passwords_lock_sign_in_for_their_address_only(
    peer: str, forwarded: str, address: str
) -> None:
    lock(peer, forwarded)

    assert sign_in(via(anonymous_client(), peer, forwarded), "alice@example.com") == 429
    assert sign_in(via(anonymous_client(), address, ""), "alice@example.com") == 429
    assert sign_in(via(anonymous_client(), PROXY, "192.0.2.9"), "alice@example.com") == 303
    assert sign_in(via(anonymous_client(), "192.0.2.8", ""), "alice@example.com") == 303


@pytest.mark.parametrize("forwarded", ["203.0.113.7:{}", "[2001:db8::1]:{}", "2001:db8::{}"])
def test_another_port_or_address_of_the_network_stays_locked(forwarded: str) -> None:
    for number in range(configured.AXES_FAILURE_LIMIT):
        attacker = via(anonymous_client(), PROXY, forwarded.format(number + 1))
        sign_in(attacker, f"nobody-{number}@example.com", "a-wrong-password")

    attacker = via(anonymous_client(), PROXY, forwarded.format(9))

    assert sign_in(attacker, "alice@example.com") == 429


def test_a_forged_header_does_not_unlock_sign_in() -> None:
    lock("203.0.113.7", "")

    attacker = via(anonymous_client(), "203.0.113.7", "192.0.2.9")

    assert sign_in(attacker, "alice@example.com") == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "status"),
    [
        ("127.0.0.1", "", 303),
        ("::1", "", 303),
        ("::ffff:127.0.0.1", "", 303),
        (PROXY, "127.0.0.1", 303),
        ("203.0.113.7", "127.0.0.1", 429),
        (PROXY, "203.0.113.7", 429),
    ],
)
def test_only_loopback_is_exempt_on_a_local_machine(
    settings: Any, peer: str, forwarded: str, status: int
) -> None:
    settings.LIMIT_LOOPBACK = False
    lock(peer, forwarded)

    assert sign_in(via(anonymous_client(), peer, forwarded), "alice@example.com") == status


# --- Rate limits ----------------------------------------------------------------------------


@EVERY_WAY
def test_anonymous_requests_count_against_their_address_only(
    settings: Any, peer: str, forwarded: str, address: str
) -> None:
    settings.LIMIT_REQUESTS = 2

    seen = [via(anonymous_client(), peer, forwarded).get("/login").status_code for _ in range(3)]

    assert seen == [200, 200, 429]
    assert via(anonymous_client(), address, "").get("/login").status_code == 429
    assert via(anonymous_client(), PROXY, "192.0.2.9").get("/login").status_code == 200


# --- The security log -----------------------------------------------------------------------


@EVERY_WAY
def test_the_security_log_names_the_address(peer: str, forwarded: str, address: str) -> None:
    sign_in(via(anonymous_client(), peer, forwarded), "alice@example.com", "a-wrong-password")

    assert SecurityEvent.unscoped.filter(event="login_failure").latest("at").ip == address


# --- The use of tokens ----------------------------------------------------------------------


@EVERY_WAY
def test_the_last_use_of_a_token_names_the_network(peer: str, forwarded: str, address: str) -> None:
    client = via(token_client(make_token("alice")), peer, forwarded)

    assert client.get("/api/v1/tokens/self").status_code == 200

    expected = str(ip_network(f"{address}/{48 if ':' in address else 24}", strict=False))
    used = ApiToken.unscoped.filter(last_used_at__isnull=False).latest("last_used_at")
    assert used.last_used_from == expected


# --- Reading an address ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("fe80::1%eth0", "fe80::1"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("010.0.0.1", ""),
        ("203.0.113.7:51234:1", ""),
        ("2001:db8::1:443", "2001:db8::1:443"),
        ("[2001:db8::1", ""),
        ("proxy.example.org", ""),
        ("", ""),
    ],
)
def test_an_address_is_parsed_in_every_form(written: str, address: str) -> None:
    assert canonical(written) == address


def test_the_addresses_of_an_ipv6_network_are_one_client() -> None:
    assert rate_limit_address("2001:db8::1") == rate_limit_address("2001:db8::ffff") == "2001:db8::"
    assert rate_limit_address("2001:db8:0:1::1") != rate_limit_address("2001:db8::1")
    assert rate_limit_address("::ffff:203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("written", "trusted"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_trusted_proxy_is_configured_in_either_form(written: str, trusted: str) -> None:
    assert str(network(written)) == trusted
