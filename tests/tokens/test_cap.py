"""The limit of 50 active tokens, which holds for concurrent requests too."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from harmonic.kernel.database.tenancy import tenant_bound
from tests.fixtures.html import parsed
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, CallerFor, on
from tests.fixtures.world import World, anonymous_client, make_token, sign_in, token_client
from tokens import secret
from tokens.models import ApiToken

CAP = ApiToken.MAX_ACTIVE
SENTENCE = "Maximum of 50 active API tokens reached."
AT_ONCE = 20


def fill_up(world: World, handle: str, count: int, **values: Any) -> None:
    """Create `count` equal tokens for `handle`."""
    person = world.person(handle)
    now = timezone.now()
    common = {
        "tenant_id": person.tenant_id,
        "owner": person,
        "token_prefix": "hmn_test",
        "scopes": ["read:all"],
        "expires_at": now + timedelta(days=9),
        "created_at": now,
        "updated_at": now,
        **values,
    }
    with tenant_bound(person.tenant_id):
        ApiToken.objects.bulk_create(
            ApiToken(token_hash=secret.digest(secret.new()), **common) for _ in range(count)
        )


def active_count(world: World, handle: str) -> int:
    person = world.person(handle)
    with tenant_bound(person.tenant_id):
        rows: Any = ApiToken.objects.filter(owner=person)
        return int(rows.active(timezone.now()).count())


def create(plaintext: str, owner: str) -> int:
    path = f"/u/{owner}/settings/tokens/new/actions/create_api_token"
    return int(token_client(plaintext).post(path, {"name": "one more"}).status_code)


# --- The limit ------------------------------------------------------------------------------


def test_the_fiftieth_token_is_created_and_the_next_is_refused(world: World):
    plaintext = make_token("bob")
    fill_up(world, "bob", CAP - 2)

    assert [create(plaintext, "bob") for _ in range(2)] == [200, 422]
    assert active_count(world, "bob") == CAP


@pytest.mark.parametrize(
    "uncounted",
    [
        lambda now: {"expires_at": now - timedelta(seconds=1)},
        lambda now: {"deleted_at": now},
        lambda now: {"is_internal": True, "context": "a run"},
    ],
    ids=["expired", "deleted", "internal"],
)
def test_expired_deleted_and_internal_tokens_do_not_count(
    world: World, uncounted: Callable[[Any], dict[str, Any]]
):
    plaintext = make_token("bob")
    fill_up(world, "bob", CAP, **uncounted(timezone.now()))

    assert create(plaintext, "bob") == 200


def test_revoked_tokens_do_not_count(world: World):
    fill_up(world, "bob", CAP)
    world.user("bob").revoke_tokens(timezone.now())
    browser = anonymous_client()
    sign_in(browser, "bob", "garden")

    made = browser.post("/u/bob/settings/tokens", {"api_token[name]": "after the reset"})

    assert made.status_code == 200


def test_deleting_a_token_makes_room_for_another(world: World):
    plaintext = make_token("bob")
    fill_up(world, "bob", CAP - 1)
    assert create(plaintext, "bob") == 422

    row = ApiToken.unscoped.filter(owner=world.person("bob")).order_by("created_at").last()
    assert row is not None
    token_client(plaintext).post(f"/u/bob/settings/tokens/{row.id}/delete")

    assert create(plaintext, "bob") == 200


def test_an_agent_has_its_own_limit(world: World):
    plaintext = make_token("alice")
    fill_up(world, "alice", CAP - 1)

    assert create(plaintext, "alice") == 422
    assert create(plaintext, "scout") == 200


def test_each_tenant_has_its_own_limit(world: World):
    fill_up(world, "alice", CAP)

    in_summit = token_client(make_token("alice", tenant="summit"), "summit")
    made = in_summit.post("/u/alice/settings/tokens/new/actions/create_api_token", {"name": "x"})

    assert made.status_code == 200


# --- Other problems in the same refusal -----------------------------------------------------


NAMELESS: dict[str, dict[str, Any]] = {
    HTML: {"name": "", "duration": "0"},
    MARKDOWN: {"name": "", "duration": "0"},
    REST: {"name": "", "scopes": ["read:nothing"]},
}


@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("count", [CAP, CAP - 2], ids=["full", "with room"])
def test_a_refusal_names_the_limit_and_all_invalid_parameters(
    call: CallerFor, world: World, count: int
):
    alice = call("alice")
    fill_up(world, "bob", CAP)  # Another owner's tokens are not counted.
    fill_up(world, "alice", count - active_count(world, "alice"))

    answer = alice.act("create_api_token", "/u/alice", **NAMELESS[alice.surface])

    other = "duration" if alice.surface != REST else "Scopes"
    answer.assert_invalid(other)
    assert (SENTENCE in answer.text) == (count == CAP)
    if alice.surface == REST:
        assert answer.json["code"] == "invalid"
        assert set(answer.json["fields"]) == {"name", "scopes"}
    elif alice.surface == HTML:
        faulty = parsed(answer.response.content).select("main [aria-invalid=true]")
        assert [each["name"] for each in faulty] == ["name", "duration"]
    else:
        assert "name is required, duration" in answer.text


def test_the_form_states_the_limit_of_the_chosen_owner(world: World):
    browser = anonymous_client()
    sign_in(browser, "alice", "garden")
    fill_up(world, "scout", CAP - active_count(world, "scout"))
    path = "/u/alice/settings/tokens/new/actions/create_api_token"

    for owner, is_full in (("scout", True), ("alice", False), ("nobody", False)):
        form = browser.post(path, {"name": "", "owner": owner}).content.decode()
        assert (SENTENCE in form, "Is required" in form) == (is_full, True)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/u/bob/settings/tokens/new/actions/create_api_token", {"name": "one more"}, 422),
        ("/api/v1/users/me/tokens", {"name": "one more", "scopes": ["read:all"]}, 400),
    ],
    ids=["Markdown", "REST"],
)
def test_the_refusal_says_what_to_do(world: World, path: str, body: dict[str, Any], status: int):
    plaintext = make_token("bob")
    fill_up(world, "bob", CAP - 1)

    refused = token_client(plaintext).post(path, body, content_type="application/json")

    assert refused.status_code == status
    assert f"{SENTENCE} Delete an existing token before creating a new one." in refused.text


# --- Concurrency ----------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("surface", ["REST", "Markdown", "both"])
def test_concurrent_creates_never_exceed_the_limit(transactional_world: World, surface: str):
    plaintext = make_token("bob")
    fill_up(transactional_world, "bob", CAP - 2)
    barrier = Barrier(AT_ONCE)

    def attempt(number: int) -> int:
        is_rest = surface == "REST" or (surface == "both" and number % 2 == 0)
        client = token_client(plaintext)
        path, body = (
            ("/api/v1/users/me/tokens", {"name": "raced", "scopes": ["read:all"]})
            if is_rest
            else ("/u/bob/settings/tokens/new/actions/create_api_token", {"name": "raced"})
        )
        barrier.wait()
        try:
            return client.post(path, body, content_type="application/json").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = sorted(pool.map(attempt, range(AT_ONCE)))

    assert statuses[0] == 200
    assert set(statuses[1:]) <= {400, 422}
    assert active_count(transactional_world, "bob") == CAP
    assert ApiToken.unscoped.filter(name="raced").count() == 1
