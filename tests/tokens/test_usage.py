"""What a token's page tells of its use: last use, thirty days, and what was refused."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connections

from accounts.models import Tenant
from tests.fixtures.world import make_token, single_line_text, token_client
from tokens import usage
from tokens.models import ApiToken, TokenDay, TokenRefusal

NOTES = "/collectives/kitchen/api/v1/notes"
CLOSED = "/collectives/treasury/api/v1/notes"
NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)


def row_of(plaintext):
    return ApiToken.unscoped.select_related("owner").get(token_prefix=plaintext[:8])


def page_of(plaintext):
    row = row_of(plaintext)
    return f"/u/{row.owner.handle}/settings/tokens/{row.id}"


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def token(noon, world):
    return make_token("alice")


# --- Last use -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
    ],
)
def test_the_last_use_names_the_network_and_the_client(token, page, address, network):
    headers = {"user-agent": "curl/8.5.0 (linux) secret-host"}
    token_client(token).get(NOTES, headers=headers, REMOTE_ADDR=address)

    row = row_of(token)
    assert (row.last_used_at, row.last_used_from, row.last_used_by) == (NOON, network, "curl")
    html = page("alice").get(page_of(token)).content.decode()
    assert f"from {network}, curl" in html
    assert address not in html
    assert f"| Last Used From | {network} |" in page("alice").get(page_of(token) + ".md").text


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ("python-requests/2.32.3", "python-requests"),
        ("Mozilla/5.0 (X11; Linux)", "Mozilla"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
        ("x" * 300, "x" * 64),
    ],
)
def test_a_client_is_one_word(token, sent, word):
    token_client(token).get(NOTES, headers={"user-agent": sent})

    assert row_of(token).last_used_by == word


def test_a_plaintext_in_the_client_or_the_path_is_not_kept(token):
    token_client(token).get(NOTES, headers={"user-agent": token})
    token_client(token).get(f"/collectives/treasury/api/v1/notes/{token}")
    usage.ledger.settle()

    row = row_of(token)
    assert token not in row.last_used_by
    kept = TokenRefusal.unscoped.get(token=row)
    assert kept.status == 403
    assert token not in kept.path


# --- Counts ---------------------------------------------------------------------------------


def test_requests_are_counted_and_written_at_most_once_a_minute(token, noon):
    client = token_client(token)
    for _ in range(3):
        client.get(NOTES)
    assert row_of(token).counted_requests == 1

    noon.shift(timedelta(seconds=61))
    client.get(NOTES)

    assert row_of(token).counted_requests == 4


def test_a_token_at_rest_has_its_last_counts_after_a_minute(token):
    for _ in range(3):
        token_client(token).get(NOTES)

    usage.ledger.settle()

    assert row_of(token).counted_requests == 3


def test_a_day_that_is_over_keeps_its_count(token, noon, page):
    client = token_client(token)
    client.get(NOTES)
    client.get(NOTES)
    usage.ledger.settle()
    noon.shift(timedelta(days=1))
    client.get(NOTES)

    row = row_of(token)
    over = TokenDay.unscoped.get(token=row)
    assert (over.day, over.requests) == (NOON.date(), 2)
    assert (row.counted_on, row.counted_requests) == (NOON.date() + timedelta(days=1), 1)
    text = page("alice", at=NOON + timedelta(days=1)).get(page_of(token) + ".md").text
    assert "3 requests, 0 refused" in text
    assert "| 2027-03-10 | 2 | 0 |" in text


def test_the_chart_has_thirty_days_and_no_style(token, page):
    token_client(token).get(NOTES)

    html = page("alice").get(page_of(token)).content.decode()

    chart = html.split('<svg viewBox="0 -1 300')[1].split("</svg>")[0]
    assert re.findall(r'<rect x="(\d+)" y="0" width="8" height="48"', chart) == ["290"]
    assert "style=" not in chart
    assert "1 at most in a day" in html
    assert "<span>9 Feb</span> <span>10 Mar</span>" in html
    assert '<th scope="row">2027-03-10</th><td>1</td><td>0</td>' in html


def test_the_chart_draws_refused_requests_otherwise_than_those_let_in(token, page):
    token_client(token).get(NOTES)
    token_client(token).get(CLOSED)
    usage.ledger.settle()

    html = page("alice").get(page_of(token)).content.decode()

    chart = html.split('<svg viewBox="0 -1 300')[1].split("</svg>")[0]
    assert chart.count("<rect ") == 2
    assert chart.count('fill="none"') == 1
    assert "<summary>Day by day</summary>" in html


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_token_without_requests_says_so(token, page, suffix):
    body = page("alice").get(page_of(token) + suffix).content.decode()

    assert "It was used for nothing in these days." in body
    assert "at most in a day" not in body


def test_counting_never_fails_a_request(token, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(usage, "write", fail)

    assert token_client(token).get(NOTES).status_code == 200


def test_what_could_not_be_written_is_written_later(token, monkeypatch, noon):
    with monkeypatch.context() as broken:
        broken.setattr(usage, "write", lambda *args, **kwargs: False)
        token_client(token).get(NOTES)
    token_client(token).get(NOTES)

    assert row_of(token).counted_requests == 2


def test_of_requests_at_once_none_is_lost_or_counted_twice(transactional_world):
    plaintext = make_token("alice")

    def ask(number):
        try:
            return token_client(plaintext).get(NOTES if number % 2 else CLOSED).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(ask, range(24)))
    usage.ledger.settle()

    row = row_of(plaintext)
    assert statuses == [200] * 12 + [403] * 12
    assert (row.counted_requests, row.counted_refusals) == (24, 12)
    assert TokenRefusal.unscoped.filter(token=row).count() == 12


# --- Refused requests -----------------------------------------------------------------------


def test_a_refused_request_is_told_with_reason_and_cure(token, page):
    token_client(token).get(f"{CLOSED}?q=private")

    row = row_of(token)
    kept = TokenRefusal.unscoped.get(token=row)
    assert (kept.method, kept.path, kept.status) == ("GET", CLOSED, 403)
    assert (row.counted_requests, row.counted_refusals) == (1, 1)
    assert row.last_used_at is None
    for suffix in ("", ".md"):
        body = page("alice").get(page_of(token) + suffix).content.decode()
        assert f"GET {CLOSED}" in body.replace("<wbr>", "")
        assert "API not enabled for this collective" in body
        assert "An admin of the collective can turn it on" in body
        assert "private" not in body.split("Refused requests")[1]


def test_an_expired_token_is_told_and_an_unknown_one_is_not(token, noon, world, page):
    program = token_client(token)
    noon.shift(timedelta(days=31))
    assert program.get(NOTES).status_code == 401
    assert (
        token_client(token[:-1] + ("0" if token[-1] != "0" else "1")).get(NOTES).status_code == 401
    )

    assert [each.code for each in TokenRefusal.unscoped.all()] == ["token_expired"]
    for suffix in ("", ".md"):
        browser = page("alice", at=NOON + timedelta(days=31))
        body = single_line_text(browser.get(page_of(token) + suffix))
        assert "{handle}" not in body
        link = '<a href="/u/alice/settings/tokens">' if not suffix else "(/u/alice/settings/tokens)"
        assert link in body.rsplit("Refused requests", 1)[1]


def test_a_reached_limit_is_told(token, settings):
    settings.LIMIT_REQUESTS = 1
    settings.LIMIT_LOOPBACK = True
    client = token_client(token)
    client.get(NOTES)
    assert client.get(NOTES).status_code == 429

    kept = TokenRefusal.unscoped.get()
    assert kept.status == 429
    assert (
        kept.cure
        == "Your sessions, your tokens and your agents share a limit of 1 request per minute."
    )


def test_what_is_not_there_is_no_refusal(token):
    assert token_client(token).get("/collectives/nowhere/api/v1/notes").status_code == 404
    usage.ledger.settle()

    assert not TokenRefusal.unscoped.exists()
    assert row_of(token).counted_requests == 0


@pytest.mark.meets("refusals kept of a token")
def test_refusals_are_written_at_most_once_a_minute_and_the_last_fifty_stay(token, noon):
    client = token_client(token)
    for number in range(60):
        client.get(f"{CLOSED}/{number}")
        noon.shift(timedelta(milliseconds=1))
    assert TokenRefusal.unscoped.count() == 1

    noon.shift(timedelta(seconds=61))
    client.get(f"{CLOSED}/last")

    paths = set(TokenRefusal.unscoped.values_list("path", flat=True))
    assert len(paths) == 50
    assert f"{CLOSED}/last" in paths
    assert f"{CLOSED}/0" not in paths
    assert row_of(token).counted_refusals == 61


def test_a_tenant_that_switches_off_leaves_a_trace(token, page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)
    token_client(token).get("/whoami")

    body = page("alice").get(page_of(token) + ".md").text
    assert "API not enabled for this tenant" in body
