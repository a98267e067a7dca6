"""Rotating a token: the successor, the overlap, and who may rotate."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from django.db import connections

from tests.fixtures.world import make_token, single_line_text, token_client
from tokens import secret
from tokens.lifetimes import same_lifetime
from tokens.models import ApiToken

NOW = datetime(2027, 3, 31, 12, tzinfo=UTC)
SELF = "/api/v1/tokens/self"
JSON = "application/json"


@pytest.fixture
def now():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def old(now, world):
    """A token of alice that was created a week ago for four weeks."""
    return make_token("alice", at=NOW - timedelta(days=7), days=28)


def row_of(plaintext):
    rows = ApiToken.unscoped.select_related("owner")
    return rows.get(token_hash=secret.digest(plaintext))


def page_of(plaintext):
    row = row_of(plaintext)
    return f"/u/{row.owner.handle}/settings/tokens/{row.id}"


def rotate(client, plaintext, **params):
    """Rotate a token over the API, as its owner."""
    row = row_of(plaintext)
    path = f"/api/v1/users/{row.owner.handle}/tokens/{row.id}/rotate"
    return client.post(path, params, content_type=JSON)


def on_page(browser, plaintext, **params):
    return browser.post(f"{page_of(plaintext)}/actions/rotate_api_token", params)


def plaintext_in(text):
    found = re.search(rf"hmn_\w{{{secret.LENGTH - 4}}}", text)
    assert found
    return found.group()


# --- The successor --------------------------------------------------------------------------


def test_a_successor_created_by_a_session_has_the_whole_lifetime(old, page):
    answer = on_page(page("alice"), old, overlap_days=2)

    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    made, was = row_of(plaintext_in(answer.content.decode())), row_of(old)
    assert (made.name, made.scopes, made.owner) == (was.name, was.scopes, was.owner)
    assert made.expires_at == NOW + timedelta(days=28)
    assert was.expires_at == NOW + timedelta(days=2)
    assert was.successor_id == made.id


@pytest.mark.parametrize("overlap", [0, 2])
def test_a_successor_has_the_note_type_and_client_of_the_old_token(old, page, overlap):
    kept = {"note": "The laptop", "token_type": "mcp", "client_name": "Cursor"}
    ApiToken.unscoped.filter(id=row_of(old).id).update(**kept)

    answer = on_page(page("alice"), old, overlap_days=overlap)

    made = row_of(plaintext_in(answer.content.decode()))
    assert {name: getattr(made, name) for name in kept} == kept
    assert (made.created_at, made.updated_at) == (NOW, NOW)
    assert row_of(old).updated_at == NOW


def test_a_lifetime_of_whole_months_stays_whole(now, page):
    plaintext = make_token("alice", at=datetime(2027, 2, 28, 12, tzinfo=UTC), days=400)
    assert row_of(plaintext).expires_at == datetime(2028, 2, 28, 12, tzinfo=UTC)

    answer = on_page(page("alice"), plaintext)

    made = row_of(plaintext_in(answer.content.decode()))
    assert made.expires_at == datetime(2028, 3, 31, 12, tzinfo=UTC)


def test_a_successor_never_outlives_the_token_that_rotates(old, api):
    body = rotate(token_client(old), old).json()

    assert row_of(body["token"]).expires_at == NOW + timedelta(days=21)
    long = rotate(api("alice", days=300), make_token("alice", days=28)).json()
    assert row_of(long["token"]).expires_at == NOW + timedelta(days=28)


def test_scopes_are_kept_and_never_widened(now, api):
    narrow = make_token("alice", scopes=["read:notes", "create:notes"])

    kept = rotate(api("alice"), narrow).json()
    refused = rotate(api("alice", scopes=["create:api_tokens"]), make_token("alice"))

    assert kept["scopes"] == ["read:notes", "create:notes"]
    assert refused.status_code == 403
    assert refused.json()["code"] == "scope_not_grantable"


def test_a_second_successor_has_the_whole_lifetime(now, page, api):
    plaintext = make_token("alice", days=400)
    path = page_of(plaintext)
    lost = row_of(plaintext_in(on_page(page("alice"), plaintext, overlap_days=7).text))
    api("alice").delete(f"/api/v1/users/me/tokens/{lost.id}")
    now.shift(timedelta(days=1))
    browser = page("alice")

    asked = browser.get(f"{path}/actions/rotate_api_token").content.decode()
    made = row_of(plaintext_in(on_page(browser, plaintext).content.decode()))

    assert made.expires_at == datetime(2028, 4, 1, 12, tzinfo=UTC)
    assert 'New token expires</dt><dd><time datetime="2028-04-01T12:00:00Z"' in asked


def test_a_session_restores_a_lifetime_that_a_token_cut(old, api, page):
    short = api("alice", days=10)
    cut = rotate(short, old).json()["token"]
    assert row_of(cut).expires_at == NOW + timedelta(days=10)

    whole = plaintext_in(on_page(page("alice"), cut).content.decode())

    assert row_of(whole).expires_at == NOW + timedelta(days=28)


# --- The old token --------------------------------------------------------------------------


def test_both_work_during_the_overlap_and_only_the_new_one_afterwards(old, api, now):
    new = rotate(api("alice"), old, overlap_days=7).json()["token"]
    assert [token_client(each).get(SELF).status_code for each in (old, new)] == [200, 200]

    now.shift(timedelta(days=7))

    assert [token_client(each).get(SELF).status_code for each in (old, new)] == [401, 200]


def test_an_overlap_of_zero_deletes_the_old_token_immediately(old, api):
    body = rotate(api("alice"), old, overlap_days=0).json()

    assert token_client(old).get(SELF).status_code == 401
    assert row_of(old).deleted_at == NOW
    assert body["replaces"]["active"] is False


def test_an_overlap_never_extends_the_old_token(now, api):
    short = make_token("alice", days=1)

    rotate(api("alice"), short, overlap_days=7)

    assert row_of(short).expires_at == NOW + timedelta(days=1)


def test_the_default_overlap_is_one_day(old, api):
    body = rotate(api("alice"), old).json()

    assert body["replaces"] == {
        "id": str(row_of(old).id),
        "active": True,
        "expires_at": "2027-04-01T12:00:00.000Z",
    }


def test_the_refusal_of_an_overlap_states_the_bounds(old, api, page):
    body = rotate(api("alice"), old, overlap_days=-1).json()
    form = single_line_text(on_page(page("alice"), old, overlap_days=-1))

    assert body["error"] == "Overlap days must be greater than or equal to 0"
    assert "Must be at least 0" in form
    assert 'min="0" max="7"' in form


@pytest.mark.parametrize("overlap", [-1, 8, "soon", 1.5])
@pytest.mark.meets("overlap of a rotation")
def test_an_overlap_is_zero_to_seven_whole_days(old, api, page, overlap):
    before = ApiToken.unscoped.count()
    alice = api("alice")

    assert rotate(alice, old, overlap_days=overlap).status_code == 400
    assert on_page(page("alice"), old, overlap_days=overlap).status_code == 422
    assert ApiToken.unscoped.count() == before + 1
    assert row_of(old).successor_id is None


# --- Only once ------------------------------------------------------------------------------


def test_a_second_rotation_is_refused_with_the_successors_id(old, api):
    alice = api("alice")
    made = rotate(alice, old).json()
    before = ApiToken.unscoped.count()

    again = rotate(alice, old)

    assert again.status_code == 409
    assert (again.json()["code"], again.json()["successor_id"]) == ("already_rotated", made["id"])
    assert ApiToken.unscoped.count() == before


def test_a_token_can_be_rotated_again_after_its_successor_is_deleted(old, api):
    alice = api("alice")
    made = rotate(alice, old).json()
    alice.delete(f"/api/v1/users/me/tokens/{made['id']}")

    assert rotate(alice, old).status_code == 200


def test_a_successor_can_be_rotated(old, api):
    alice = api("alice")
    made = rotate(alice, old).json()

    assert rotate(alice, made["token"]).status_code == 200


def test_an_expired_token_cannot_be_rotated(old, api, now):
    now.shift(timedelta(days=22))

    answer = rotate(api("alice"), old)

    assert (answer.status_code, answer.json()["code"]) == (409, "token_ended")


def test_at_the_limit_only_an_overlap_of_zero_works(now, api, world):
    alice = api("alice")
    while ApiToken.unscoped.filter(owner=world.person("alice")).count() < 50:
        old = make_token("alice")

    refused = rotate(alice, old, overlap_days=1)
    made = rotate(alice, old, overlap_days=0)

    assert (refused.status_code, refused.json()["code"]) == (400, "limit_reached")
    assert "overlap_days 0" in refused.json()["hint"]
    assert made.status_code == 200
    assert ApiToken.unscoped.filter(owner=world.person("alice"), deleted_at=None).count() == 50


@pytest.fixture
def last_of_fifty(now, world):
    """The newest of the 50 active tokens that bob can have."""
    for _ in range(50):
        last = make_token("bob")
    return last


def test_at_the_limit_the_form_fixes_the_overlap_to_zero_and_says_why(last_of_fifty, page):
    path = f"{page_of(last_of_fifty)}/actions/rotate_api_token"

    form = single_line_text(page("bob").get(path))
    described = page("bob").get(f"{path}.md").content.decode()

    assert 'name="overlap_days" readonly' in form
    assert 'value="0" inputmode="numeric" min="0" max="0"' in form
    for shown in (form, described):
        assert "Must be 0: the owner has 50 active tokens" in shown


def test_at_the_limit_the_default_overlap_is_zero(last_of_fifty):
    body = rotate(token_client(last_of_fifty), last_of_fifty).json()

    assert body["replaces"]["active"] is False


def test_a_form_refused_at_the_limit_says_what_to_do(last_of_fifty, page):
    answer = on_page(page("bob"), last_of_fifty, overlap_days=1)

    form = single_line_text(answer)
    assert answer.status_code == 422
    assert "Maximum of 50 active API tokens reached." in form
    assert "With an overlap of 0 days" in form
    assert 'value="0" inputmode="numeric" min="0" max="0"' in form


def test_concurrent_rotations_create_one_successor(transactional_world):
    plaintext = make_token("bob")
    row, count = row_of(plaintext), 6
    barrier = Barrier(count)

    def attempt(number):
        client = token_client(plaintext)
        barrier.wait()
        try:
            path = f"/api/v1/users/me/tokens/{row.id}/rotate"
            return client.post(path, {}, content_type=JSON).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        statuses = sorted(pool.map(attempt, range(count)))

    assert statuses == [200, *[409] * (count - 1)]
    assert ApiToken.unscoped.filter(owner=row.owner).count() == 2


# --- Who may rotate -------------------------------------------------------------------------


def test_a_parent_can_rotate_the_token_of_an_external_agent(now, page):
    plaintext = make_token("alice", agent="scout")

    new = plaintext_in(on_page(page("alice"), plaintext).content.decode())

    assert row_of(new).owner.handle == "scout"


def test_an_agent_cannot_rotate_a_token(now, world):
    plaintext = make_token("alice", agent="scout")
    agent = token_client(plaintext)

    for answer in (rotate(agent, plaintext), on_page(agent, plaintext)):
        assert answer.status_code == 403
        assert "Your capabilities do not include 'rotate_api_token'" in answer.content.decode()
    assert row_of(plaintext).successor_id is None


def test_the_token_of_an_inactive_agent_cannot_be_rotated(now, page, world):
    plaintext = make_token("alice", agent="scout")
    person = world.person("scout")
    type(person).unscoped.filter(id=person.id).update(archived_at=NOW)

    assert on_page(page("alice"), plaintext).status_code == 403


def test_other_people_cannot_rotate_a_token(old, api, page):
    assert rotate(api("bob"), old).status_code == 404
    assert on_page(page("bob"), old).status_code == 403


def test_a_session_needs_recent_proof(old, page):
    browser = page("alice", at=NOW - timedelta(hours=1, minutes=30))

    answer = on_page(browser, old)

    assert answer.status_code == 303
    assert answer["Location"].startswith("/reverify")
    assert row_of(old).successor_id is None


# --- Pages ----------------------------------------------------------------------------------


def test_the_token_page_offers_rotation_and_then_links_the_successor(old, page):
    browser, path = page("alice"), page_of(old)
    assert f'href="{path}/actions/rotate_api_token"' in browser.get(path).content.decode()
    asked = browser.get(f"{path}/actions/rotate_api_token").content.decode()
    assert "New token expires" in asked

    on_page(browser, old)

    shown = browser.get(path).content.decode()
    assert f"/u/alice/settings/tokens/{row_of(old).successor_id}" in shown


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_token_and_its_successor_link_to_each_other(old, page, suffix):
    browser, path = page("alice"), page_of(old)
    on_page(browser, old)
    successor = f"/u/alice/settings/tokens/{row_of(old).successor_id}"

    before, after = (browser.get(each + suffix).content.decode() for each in (path, successor))
    listed = browser.get(f"/u/alice/settings/tokens{suffix}").content.decode()

    assert "This token has been replaced by" in before
    assert successor in before
    assert "This token replaces" in after
    assert path in after
    for shown in (successor, path):
        assert listed.count(f'"{shown}"' if not suffix else f"({shown})") == 2
    assert "replaced by" in listed
    assert "replaces" in listed


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_token_that_was_not_rotated_names_no_other(old, page, suffix):
    for path in (page_of(old), "/u/alice/settings/tokens"):
        shown = page("alice").get(path + suffix).content.decode()
        assert "replaced by" not in shown
        assert "replaces" not in shown


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_page_of_a_rotated_token_offers_no_rotation(old, page, suffix):
    browser, path = page("alice"), page_of(old)
    on_page(browser, old)

    assert "rotate_api_token" not in browser.get(path + suffix).content.decode()


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_refusal_of_a_second_rotation_links_the_successor(old, page, suffix):
    browser = page("alice")
    on_page(browser, old)

    again = browser.post(f"{page_of(old)}/actions/rotate_api_token{suffix}")

    assert again.status_code == 409
    assert f"/u/alice/settings/tokens/{row_of(old).successor_id}" in again.content.decode()


def test_the_api_returns_the_successor_until_it_is_deleted(old, api):
    alice = api("alice")
    path = f"/api/v1/users/me/tokens/{row_of(old).id}"
    assert alice.get(path).json()["successor_id"] is None

    made = rotate(alice, old).json()
    assert alice.get(path).json()["successor_id"] == made["id"]

    alice.delete(f"/api/v1/users/me/tokens/{made['id']}")
    assert alice.get(path).json()["successor_id"] is None


def test_a_lifetime_of_a_month_ends_on_the_last_day_of_a_shorter_month():
    token = ApiToken(
        created_at=datetime(2027, 1, 31, tzinfo=UTC), expires_at=datetime(2027, 2, 28, tzinfo=UTC)
    )

    assert same_lifetime(token, NOW) == datetime(2027, 4, 30, 12, tzinfo=UTC)
