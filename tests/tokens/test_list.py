"""The list of tokens: filters, search, order, row actions and counts."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.fixtures.html import parsed
from tests.fixtures.world import make_token, single_line_text, token_client
from tokens.models import ApiToken

LIST = "/u/alice/settings/tokens"
NAMES = ("living", "ending", "ended", "agent's")


def named(plaintext, name, **values):
    """Set the name and other values of a token, and return its row."""
    rows = ApiToken.unscoped.filter(token_prefix=plaintext[:8])
    rows.update(name=name, **values)
    return rows.select_related("owner").get()


@pytest.fixture
def tokens(world):
    """Three tokens of alice, one active, one expiring and one expired, and one of her agent."""
    now = world.now
    return {
        name: named(plaintext, name, **values)
        for name, plaintext, values in (
            ("ended", make_token("alice", at=now - timedelta(days=40), days=10), {}),
            ("ending", make_token("alice", days=5), {"note": "The old laptop"}),
            ("living", make_token("alice"), {"last_used_at": now - timedelta(days=1)}),
            ("agent's", make_token("alice", agent="scout"), {"last_used_at": now}),
        )
    }


def rows(client, query=""):
    """Return the names in the list, in order."""
    body = client.get(f"{LIST}.md{query}").content.decode()
    return [name for name in re.findall(r"\| \[([^\]]+)\]\(/u/", body) if name in NAMES]


def table(client, query=""):
    soup = parsed(client.get(LIST + query).content)
    return {tr.find("a").text: tr for tr in soup.select("tbody tr")}


# --- Filters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"living", "ending", "ended", "agent's"}),
        ("?show=all", {"living", "ending", "ended", "agent's"}),
        ("?show=active", {"living", "ending", "agent's"}),
        ("?show=expiring", {"ending"}),
        ("?show=expired", {"ended"}),
        ("?whose=me", {"living", "ending", "ended"}),
        ("?whose=scout", {"agent's"}),
        ("?whose=@Scout", {"agent's"}),
        ("?show=Active", {"living", "ending", "agent's"}),
        ("?show=bogus", {"living", "ending", "ended", "agent's"}),
        ("?show=&whose=", {"living", "ending", "ended", "agent's"}),
        ("?whose=alice", {"living", "ending", "ended"}),
        ("?show=expired&whose=scout", set()),
        ("?whose=bob", set()),
    ],
)
def test_the_list_is_filtered_by_state_and_owner(page, tokens, query, names):
    assert set(rows(page("alice"), query)) == names


def test_each_filter_keeps_the_others(page, tokens):
    query = "show=active&whose=me&q=in&sort=name"
    soup = parsed(page("alice").get(f"{LIST}?{query}").content)

    links = {
        nav["aria-label"]: [link["href"] for link in nav.select("a")]
        for nav in soup.select("nav.filter")
    }
    assert f"{LIST}?show=expired&whose=me&q=in&sort=name" in links["Show"]
    assert f"{LIST}?show=active&whose=scout&q=in&sort=name" in links["Owner"]
    assert f"{LIST}?show=active&whose=me&q=in&sort=used" in links["Sort"]
    chosen = {link.text.strip() for link in soup.select('nav.filter [aria-current="true"]')}
    assert chosen == {"Active", "You", "Name"}
    form = soup.select_one("form[role=search]")
    kept = {each["name"]: each["value"] for each in form.select("input")}
    assert kept == {"show": "active", "whose": "me", "sort": "name", "q": "in"}


def test_the_link_to_an_agents_tokens_keeps_the_state(page, tokens):
    body = page("alice").get(f"{LIST}?show=active").content.decode()

    assert f'<a href="{LIST}?show=active&amp;whose=scout">scout</a>' in body


def test_a_filter_does_not_change_the_count_or_the_columns(page, tokens):
    body = page("alice").get(f"{LIST}.md?show=expired").content.decode()

    assert "2 of 50 active tokens" in body
    assert "| Identity | Name | Created | Last Used | Expires | Active |" in body


def test_a_list_without_matches_says_so(page, tokens):
    body = page("alice").get(f"{LIST}.md?whose=nobody").content.decode()

    assert "No tokens match." in body


@pytest.mark.parametrize("name", ["whose", "q"])
def test_the_value_of_a_filter_is_escaped(page, tokens, name):
    body = page("alice").get(f"{LIST}?{name}=%22%3E%3Cscript%3E").content.decode()

    assert '"><script>' not in body


# --- Search and order -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("LIVING", {"living"}),
        ("end", {"ending", "ended"}),
        ("old lap", {"ending"}),
        ("nothing like that", set()),
    ],
)
def test_the_search_finds_names_and_notes_in_any_case(page, tokens, text, names):
    assert set(rows(page("alice"), f"?q={text}")) == names


def test_the_search_finds_the_first_characters_of_a_token(page, tokens):
    prefix = tokens["living"].token_prefix

    assert rows(page("alice"), f"?q={prefix}") == ["living"]


@pytest.mark.parametrize("text", ["%00", "%ff", "%25_", "%5c", "x" * 60_000])
@pytest.mark.postgres
def test_no_search_text_causes_a_server_error(page, tokens, text):
    answer = page("alice").get(f"{LIST}.md?q={text}")

    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["living", "ending", "agent's", "ended"]),
        ("owner", ["living", "ending", "agent's", "ended"]),
        ("name", ["agent's", "ending", "living", "ended"]),
        ("used", ["agent's", "living", "ending", "ended"]),
        ("unused", ["ending", "living", "agent's", "ended"]),
        ("expires", ["ending", "living", "agent's", "ended"]),
    ],
)
@pytest.mark.postgres
def test_the_list_is_sorted_with_expired_tokens_last(page, tokens, sort, order):
    assert rows(page("alice"), f"?sort={sort}") == order


# --- Rows -----------------------------------------------------------------------------------


def test_a_row_shows_prefix_owner_access_note_and_state(page, tokens):
    found = table(page("alice"))

    ending = found["ending"].get_text(" ", strip=True)
    assert f"{tokens['ending'].token_prefix}…" in ending
    assert "The old laptop" in ending
    assert "You" in ending
    assert "read + write" in ending
    assert "Expires soon" in ending
    assert "Expired" in found["ended"].get_text()
    assert "Expires soon" not in found["living"].get_text()
    assert "@scout" in found["agent's"].get_text()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scopes": ["read:all"]}, "read"),
        ({"scopes": ["delete:all", "update:all", "create:all", "read:all"]}, "read + write"),
        ({"scopes": ["read:notes"]}, "read:notes"),
        ({"scopes": ["update:all", "read:all", "create:notes"]}, "create:notes, read, update"),
        ({"scopes": ["read:all"], "token_type": "mcp"}, "read, over MCP only"),
    ],
)
def test_a_row_shows_the_access_in_words(page, tokens, values, words):
    ApiToken.unscoped.filter(id=tokens["living"].id).update(**values)

    cells = table(page("alice"))["living"].select("td")

    assert words in [cell.get_text(" ", strip=True) for cell in cells]


def test_a_row_links_to_the_actions_that_are_possible(page, tokens):
    found = table(page("alice"))

    actions = {
        name: [link["href"].rpartition("/")[2] for link in tr.select(".table__actions a")]
        for name, tr in found.items()
    }
    everything = ["rotate_api_token", "rename_api_token", "delete_api_token"]
    assert actions["living"] == actions["agent's"] == everything
    # An expired token cannot be rotated.
    assert actions["ended"] == everything[1:]
    path = f"{LIST}/{tokens['living'].id}/actions/rotate_api_token"
    assert found["living"].select_one(f'a[href="{path}"]').get_text() == "Rotate living"


def test_an_agents_own_list_links_to_no_actions(world):
    program = token_client(make_token("alice", agent="scout"))

    text = program.get("/u/scout/settings/tokens").content.decode()

    assert "/actions/" not in text


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_tokens_that_expire_within_a_week_are_counted(page, tokens, suffix):
    make_token("alice", agent="scout", days=7)

    body = single_line_text(page("alice").get(LIST + suffix))

    link = f'<a href="{LIST}?show=expiring">2 tokens</a>'
    assert (link if not suffix else f"[2 tokens]({LIST}?show=expiring)") in body
    assert "expire within 7 days" in body


def test_the_count_of_expiring_tokens_is_absent_at_zero(page, world):
    make_token("alice", days=8)

    assert "within 7 days" not in page("alice").get(LIST).content.decode()


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_each_owner_has_their_own_count(page, tokens, suffix):
    make_token("alice", agent="scout")

    own = single_line_text(page("alice").get(f"{LIST}{suffix}"))
    agents = single_line_text(page("alice").get(f"{LIST}{suffix}?whose=scout"))

    if suffix:
        assert "2 of 50 active" in own
        assert "2 of 50 active tokens of scout" in agents
        assert f"[scout]({LIST}?whose=scout) uses 2 of 50" in own
    else:
        assert 'value">2</strong> of 50 active' in own
        assert "active tokens of scout" in agents
        assert f'href="{LIST}?whose=scout">scout</a> uses 2 of 50' in own


def test_a_row_shows_the_last_client_and_the_exact_expiry(page, world):
    plaintext = make_token("alice")
    token_client(plaintext).get(
        "/whoami", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )
    row = ApiToken.unscoped.get(token_prefix=plaintext[:8])

    html = page("alice").get(LIST).content.decode()
    text = page("alice").get(f"{LIST}.md").content.decode()

    zone = world.tenant().timezone
    assert f"Times are in <span data-zone>{zone}</span>." in html
    assert "from 203.0.113.0/24, curl" in html
    ends = row.expires_at.astimezone(ZoneInfo(zone))
    assert f'data-style="local">{ends.day} {ends:%b %Y, %H:%M}</time>' in html
    line = next(each for each in text.splitlines() if plaintext[:8] in each)
    assert "from 203.0.113.0/24, curl" in line
    assert f"({row.expires_at:%Y-%m-%dT%H:%M:%SZ})" in line


# --- Deleting -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["living", "agent's"])
def test_a_deletion_leads_back_to_the_list_with_a_notice(page, tokens, name):
    browser, row = page("alice"), tokens[name]
    path = f"/u/{row.owner.handle}/settings/tokens/{row.id}"

    answer = browser.post(f"{path}/actions/delete_api_token", follow=True)

    assert answer.redirect_chain == [(LIST, 303)]
    notice = parsed(answer.content).select_one("[role=status]")
    assert f"Deleted “{name}”." in notice.get_text()
    assert name not in table(browser)


def test_the_method_delete_leads_to_the_settings(page, tokens):
    answer = page("alice").delete(f"{LIST}/{tokens['living'].id}")

    assert (answer.status_code, answer["Location"]) == (303, "/u/alice/settings")


def test_the_confirm_page_of_a_deletion_says_which_client_is_refused(page, world):
    plaintext = make_token("alice")
    row = ApiToken.unscoped.get(token_prefix=plaintext[:8])
    path = f"{LIST}/{row.id}/actions/delete_api_token"
    unused = page("alice").get(path).content.decode()
    token_client(plaintext).get(
        "/whoami", headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9"
    )

    used = page("alice").get(path).content.decode()

    assert "the token was never used" in unused
    assert "203.0.113.0/24, by curl" in used
    assert "curl is refused from its next request on." in used
