"""The list of tokens and how it narrows; what making and deleting one warn of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Tenant
from collectives.models import Collective
from tests.fixtures.world import client_with, make_token
from tokens.models import ApiToken

LIST = "/u/alice/settings/tokens"


@pytest.fixture
def tokens(world):
    """An active and an expired token of alice, and one of her agent."""
    make_token("alice")
    make_token("alice", at=world.now - timedelta(days=40), days=10)
    make_token("alice", agent="scout")
    names = {"scout in a test": "agent's"}
    for row in ApiToken.unscoped.all():
        name = names.get(str(row.name), "living" if row.expires_at > world.now else "ended")
        ApiToken.unscoped.filter(id=row.id).update(name=name)


def shown(client, query=""):
    body = client.get(f"{LIST}.md{query}").content.decode()
    return {name for name in ("living", "ended", "agent's") if f"[{name}]" in body}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"living", "ended", "agent's"}),
        ("?show=all", {"living", "ended", "agent's"}),
        ("?show=active", {"living", "agent's"}),
        ("?show=expired", {"ended"}),
        ("?whose=me", {"living", "ended"}),
        ("?whose=scout", {"agent's"}),
        ("?whose=@Scout", {"agent's"}),
        ("?show=expired&whose=scout", set()),
        ("?whose=bob", set()),
    ],
)
def test_the_list_narrows_by_state_and_owner(page, tokens, query, names):
    assert shown(page("alice"), query) == names


def test_a_filter_is_marked_and_keeps_the_other(page, tokens):
    body = page("alice").get(f"{LIST}?show=active&whose=me").content.decode()

    assert f'href="{LIST}?whose=me&amp;show=active" aria-current="true"' in body
    assert f'href="{LIST}?whose=me&amp;show=expired"' in body


def test_narrowing_does_not_change_the_count_or_the_columns(page, tokens):
    body = page("alice").get(f"{LIST}.md?show=expired").content.decode()

    assert "1 of 50 active tokens" in body
    assert "| Identity | Name | Created | Last Used | Expires | Active |" in body


def test_a_list_that_is_empty_by_its_filter_says_so(page, tokens):
    body = page("alice").get(f"{LIST}.md?whose=nobody").content.decode()

    assert "No API tokens like that." in body


def test_what_a_filter_is_given_stays_text(page, tokens):
    body = page("alice").get(f"{LIST}?whose=%22%3E%3Cscript%3E").content.decode()

    assert '"><script>' not in body


# --- Making one -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_making_one_warns_while_the_agent_gets_in_nowhere(page, suffix):
    path = f"/u/scout/settings/tokens/new{suffix}"
    warning = "is in no collective with the API on"
    assert warning not in page("alice").get(path).content.decode()

    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    assert warning in page("alice").get(path).content.decode()
    own = page("alice").get(f"/u/alice/settings/tokens/new{suffix}").content.decode()
    assert warning not in own


def test_making_one_warns_while_the_tenants_switch_is_off(page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    body = page("alice").get("/u/alice/settings/tokens/new").content.decode()

    assert "The API is off for this tenant" in body


# --- Deleting one ---------------------------------------------------------------------------


def test_deleting_asks_with_what_stops(page, world):
    plaintext = make_token("alice")
    row = ApiToken.unscoped.get(token_prefix=plaintext[:8])
    path = f"{LIST}/{row.id}/actions/delete_api_token"
    unused = page("alice").get(path).content.decode()
    client_with(plaintext).get(
        "/whoami", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )

    used = page("alice").get(path).content.decode()

    assert "it was never used" in unused
    assert "203.0.113.0/24, by curl" in used
    assert "Curl, from its next request on." in used
