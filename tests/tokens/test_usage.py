"""The usage of a token: last use, counts of thirty days, and refused requests."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import DatabaseError, connections

from accounts.models import Tenant
from harmonic.kernel.database.tenancy import tenant_bound
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
def test_the_last_use_shows_network_and_client(token, page, address, network):
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
def test_the_client_is_the_first_word_of_the_user_agent(token, sent, word):
    token_client(token).get(NOTES, headers={"user-agent": sent})

    assert row_of(token).last_used_by == word


def test_a_plaintext_in_user_agent_or_path_is_not_stored(token):
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


def test_pending_counts_of_an_idle_token_are_written(token):
    for _ in range(3):
        token_client(token).get(NOTES)

    usage.ledger.settle()

    assert row_of(token).counted_requests == 3


def test_the_count_of_a_past_day_is_kept(token, noon, page):
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
    assert "Peak: 1 per day" in html
    assert "<span>9 Feb</span> <span>10 Mar</span>" in html
    assert '<th scope="row">2027-03-10</th><td>1</td><td>0</td>' in html


def test_the_chart_draws_refused_and_allowed_requests_differently(token, page):
    token_client(token).get(NOTES)
    token_client(token).get(CLOSED)
    usage.ledger.settle()

    html = page("alice").get(page_of(token)).content.decode()

    chart = html.split('<svg viewBox="0 -1 300')[1].split("</svg>")[0]
    assert chart.count("<rect ") == 2
    assert chart.count('fill="none"') == 1
    assert "<summary>Requests by day</summary>" in html


def test_the_usage_covers_thirty_days_and_none_before(token):
    row, today = row_of(token), NOON.date()
    row.counted_on, row.counted_requests, row.counted_refusals = today, 5, 2

    with tenant_bound(row.tenant_id):
        for ago in (0, 1, 29, 30):
            TokenDay.objects.create(
                tenant_id=row.tenant_id,
                token_id=row.id,
                day=today - timedelta(days=ago),
                requests=100 + ago,
                refusals=ago,
            )
        days = usage.days_of(row, NOON)

    assert [each.day for each in days] == [today - timedelta(days=ago) for ago in range(29, -1, -1)]
    used = [(each.requests, each.refusals) for each in days if each.requests]
    assert used == [(129, 29), (101, 1), (5, 2)]


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_page_of_an_unused_token_says_so(token, page, suffix):
    body = page("alice").get(page_of(token) + suffix).content.decode()

    assert "This token was not used in the last 30 days." in body
    assert "Peak:" not in body


def test_a_failed_write_of_counts_does_not_fail_the_request(token, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(usage, "write", fail)

    assert token_client(token).get(NOTES).status_code == 200


def test_counts_that_could_not_be_written_are_written_later(token, monkeypatch, noon):
    with monkeypatch.context() as broken:
        broken.setattr(usage, "write", lambda *args, **kwargs: False)
        token_client(token).get(NOTES)
    token_client(token).get(NOTES)

    assert row_of(token).counted_requests == 2


def test_concurrent_requests_are_each_counted_once(transactional_world):
    plaintext = make_token("alice")

    def send(number):
        try:
            return token_client(plaintext).get(NOTES if number % 2 else CLOSED).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(send, range(24)))
    usage.ledger.settle()

    row = row_of(plaintext)
    assert statuses == [200] * 12 + [403] * 12
    assert (row.counted_requests, row.counted_refusals) == (24, 12)
    assert TokenRefusal.unscoped.filter(token=row).count() == 12


# --- Refused requests -----------------------------------------------------------------------


def test_a_refused_request_is_shown_with_reason_and_remedy(token, page):
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
        assert "An admin of the collective can enable it" in body
        assert "private" not in body.split("Refused requests")[1]


def test_a_write_that_the_policy_refuses_counts_as_a_use_and_a_refusal(noon, world, note_id):
    plaintext = make_token("bob")
    path = f"/collectives/kitchen/api/v1/notes/{note_id('Welcome to the kitchen')}"
    for _ in range(2):
        refused = token_client(plaintext).patch(
            path, {"text": "Mine"}, content_type="application/json"
        )
        assert refused.status_code == 403
    usage.ledger.settle()

    row = row_of(plaintext)
    assert row.last_used_at == NOON
    assert (row.counted_requests, row.counted_refusals) == (2, 2)
    assert TokenRefusal.unscoped.filter(token=row, method="PATCH", path=path).count() == 2


def test_a_refused_request_is_stored_with_its_code_and_time(token):
    token_client(token).get(f"{CLOSED}/{'x' * 600}")

    kept = TokenRefusal.unscoped.get()
    assert (kept.code, kept.at) == ("api_disabled_collective", NOON)
    assert kept.sentence == "API not enabled for this collective"
    assert kept.path == f"{CLOSED}/{'x' * 600}"[:512]


@pytest.mark.parametrize("path", ["/help", "/healthcheck", "/llms.txt"])
def test_requests_to_public_pages_are_not_counted(token, path):
    assert token_client(token).get(path).status_code == 200
    usage.ledger.settle()

    assert (row_of(token).last_used_at, row_of(token).counted_requests) == (None, 0)


def test_the_last_use_after_a_refusal_is_that_of_the_allowed_request(token, noon):
    """Both wait in the process: the refused request must not replace the earlier use."""
    client = token_client(token)
    client.get(NOTES, headers={"user-agent": "curl/8"})
    noon.shift(timedelta(seconds=30))
    client.get(NOTES, headers={"user-agent": "wget/1"})
    noon.shift(timedelta(seconds=10))
    client.get(f"{CLOSED}/x", headers={"user-agent": "nmap/7"})
    usage.ledger.settle()

    row = row_of(token)
    assert (row.last_used_at, row.last_used_by) == (NOON + timedelta(seconds=30), "wget")
    assert (row.counted_requests, row.counted_refusals) == (3, 1)


def test_a_late_write_keeps_a_later_use_by_another_process(token, noon):
    client = token_client(token)
    client.get(NOTES)
    client.get(NOTES)
    later = NOON + timedelta(seconds=5)
    ApiToken.unscoped.filter(id=row_of(token).id).update(last_used_at=later, last_used_by="other")

    usage.ledger.settle()

    row = row_of(token)
    assert (row.last_used_at, row.last_used_by, row.counted_requests) == (later, "other", 2)


def test_counts_of_a_process_wait_while_another_has_just_written(token, noon):
    client = token_client(token)
    client.get(NOTES)
    noon.shift(timedelta(seconds=61))
    fresh = NOON + timedelta(seconds=30)
    stale = ApiToken.unscoped.filter(id=row_of(token).id)
    pending = usage.PendingUse(row_of(token).tenant_id, requests=4)
    pending.use = usage.Use(NOON + timedelta(seconds=61), "", "curl")
    stale.update(last_used_at=fresh)

    is_written = usage.write(row_of(token).id, pending, NOON + timedelta(seconds=61))

    assert not is_written
    assert (row_of(token).last_used_at, row_of(token).counted_requests) == (fresh, 1)


def test_a_process_forgets_when_it_wrote_the_refusals_of_many_tokens(monkeypatch):
    monkeypatch.setattr(usage.Ledger, "REMEMBERED", 2)
    ledger, tokens = usage.Ledger(), [uuid4() for _ in range(4)]

    assert all(ledger.may_write_refusals(each, NOON) for each in tokens[:2])
    assert not ledger.may_write_refusals(tokens[0], NOON + timedelta(seconds=59))
    assert ledger.may_write_refusals(tokens[2], NOON + timedelta(seconds=61))
    assert set(ledger._refusals_written_at) == {tokens[2]}
    assert not ledger.may_write_refusals(tokens[2], NOON + timedelta(seconds=62))
    assert ledger.may_write_refusals(tokens[0], NOON + timedelta(seconds=62))
    assert set(ledger._refusals_written_at) == {tokens[2], tokens[0]}


def test_requests_of_an_expired_token_are_recorded_and_of_an_unknown_one_are_not(
    token, noon, world, page
):
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


def test_a_rate_limited_request_is_recorded(token, settings):
    settings.LIMIT_REQUESTS = 1
    settings.LIMIT_LOOPBACK = True
    client = token_client(token)
    client.get(NOTES)
    assert client.get(NOTES).status_code == 429

    kept = TokenRefusal.unscoped.get()
    assert kept.status == 429
    assert kept.cure == "Your sessions, tokens and agents share a limit of 1 request per minute."


def test_a_404_is_not_a_refusal(token):
    assert token_client(token).get("/collectives/nowhere/api/v1/notes").status_code == 404
    usage.ledger.settle()

    assert not TokenRefusal.unscoped.exists()
    assert row_of(token).counted_requests == 0


@pytest.mark.meets("refusals kept of a token")
def test_refusals_are_written_once_a_minute_and_the_last_fifty_are_kept(token, noon):
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


def test_a_request_to_a_tenant_with_a_disabled_api_is_recorded(token, page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)
    token_client(token).get("/whoami")

    body = page("alice").get(page_of(token) + ".md").text
    assert "API not enabled for this tenant" in body


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_equal_refusals_in_a_row_are_one_line_with_a_count(token, noon, page, suffix):
    client = token_client(token)
    for path in (CLOSED, CLOSED, f"{CLOSED}/1", CLOSED, CLOSED, CLOSED):
        client.get(path)
        noon.shift(timedelta(seconds=61))
    usage.ledger.settle()

    body = single_line_text(
        page("alice", at=NOON + timedelta(minutes=7)).get(page_of(token) + suffix)
    )

    refused = body.replace("<wbr>", "").split("Refused requests")[-1]
    assert refused.count(f"GET {CLOSED}") == 3
    assert [int(n) for n in re.findall(r"(\d+) times since", refused)] == [3, 2]


def test_the_facts_and_actions_of_a_token_stand_before_its_usage(token, page):
    """They are the first things on a phone, and the right column on a wide screen."""
    html = page("alice").get(page_of(token)).content.decode()

    side = html.split('class="split__side"')[1].split('class="split__text"')[0]
    assert "<dt>Expires</dt>" in side
    for action in ("rotate_api_token", "rename_api_token", "delete_api_token"):
        assert f"/actions/{action}" in side
    assert html.index('class="split__side"') < html.index("Access by collective")
