"""The list of tokens and how it narrows; what making and deleting one warn of."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Tenant, TenantUser
from collectives.models import Collective, CollectiveMember
from tests.fixtures.world import make_token, single_line_text, token_client
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
        ("?show=Active", {"living", "agent's"}),
        ("?show=bogus", {"living", "ended", "agent's"}),
        ("?show=&whose=", {"living", "ended", "agent's"}),
        ("?whose=alice", {"living", "ended"}),
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


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_each_owner_has_a_count_of_their_own(page, tokens, suffix):
    make_token("alice", agent="scout")

    own = single_line_text(page("alice").get(f"{LIST}{suffix}"))
    agents = single_line_text(page("alice").get(f"{LIST}{suffix}?whose=scout"))

    of_alice, of_scout = ("1 of 50 active", "2 of 50 active")
    if not suffix:
        of_alice, of_scout = ('value">1</strong> of 50 active', 'value">2</strong> of 50 active')
    assert of_alice in own
    assert of_scout in agents
    assert "active tokens of scout" in agents
    scout = f"{LIST}?whose=scout"
    assert (f'href="{scout}">scout</a> 2 of 50' if not suffix else f"[scout]({scout}) 2 of") in own


def test_the_list_tells_each_last_use_and_the_exact_end(page, world):
    plaintext = make_token("alice")
    token_client(plaintext).get(
        "/whoami", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )
    row = ApiToken.unscoped.get(token_prefix=plaintext[:8])

    html = page("alice").get(LIST).content.decode()
    text = page("alice").get(f"{LIST}.md").content.decode()

    zone = world.tenant().timezone
    assert f"Times are those of <span data-zone>{zone}</span>." in html
    assert "from 203.0.113.0/24, curl" in html
    ends = row.expires_at.astimezone(ZoneInfo(zone))
    assert f'data-shape="local">{ends.day} {ends:%b %Y, %H:%M}</time>' in html
    line = next(each for each in text.splitlines() if plaintext[:8] in each)
    assert "from 203.0.113.0/24, curl" in line
    assert f"({row.expires_at:%Y-%m-%dT%H:%M:%SZ})" in line


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


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_warning_names_the_cure_that_helps(page, world, suffix):
    path = f"/u/scout/settings/tokens/new{suffix}"
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    closed = page("alice").get(path).content.decode()
    CollectiveMember.unscoped.filter(
        person=world.person("scout"), collective__handle="kitchen"
    ).update(archived_at=world.now)
    alone = page("alice").get(path).content.decode()

    assert "API is off in Kitchen Crew." in closed
    assert "/collectives/kitchen/settings" in closed
    assert "It is a member of none." in alone
    assert "add it to one in its settings" in alone
    assert "/ai-agents/scout/settings" in alone


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_cure_is_one_that_the_parent_can_carry_out(page, world, suffix):
    """Bob may add nobody to the kitchen, so that his agent's settings would not help."""
    bob, path = page("bob"), f"/u/pilot/settings/tokens/new{suffix}"

    cannot = bob.get(path).content.decode()
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)
    can = bob.get(path).content.decode()

    assert "create a collective and add it there" in cannot
    assert "/collectives/new" in cannot
    assert "add it to one in its settings" in can


@pytest.mark.parametrize("state", ["inactive", "suspended"])
def test_the_form_for_an_agent_that_gets_none_says_so_at_once(page, world, state):
    if state == "inactive":
        TenantUser.unscoped.filter(id=world.person("scout").id).update(archived_at=world.now)
    else:
        world.user("scout").suspend(world.now)

    answer = page("alice").get("/u/scout/settings/tokens/new")

    assert answer.status_code == 403
    assert f"This agent is {state} and gets no new tokens." in answer.content.decode()
    assert "/ai-agents/scout/settings" in answer.content.decode()


def test_making_one_warns_while_the_tenants_switch_is_off(page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    body = single_line_text(page("alice").get("/u/alice/settings/tokens/new"))

    assert "The API is off for Garden" in body
    assert 'can <a href="/tenant-admin/settings">turn it on' in body


# --- Deleting one ---------------------------------------------------------------------------


def test_deleting_asks_with_what_stops(page, world):
    plaintext = make_token("alice")
    row = ApiToken.unscoped.get(token_prefix=plaintext[:8])
    path = f"{LIST}/{row.id}/actions/delete_api_token"
    unused = page("alice").get(path).content.decode()
    token_client(plaintext).get(
        "/whoami", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )

    used = page("alice").get(path).content.decode()

    assert "it was never used" in unused
    assert "203.0.113.0/24, by curl" in used
    assert "curl, from its next request on." in used
