"""The response to a creation: the plaintext, example commands and warnings."""

from __future__ import annotations

import re

import pytest

from accounts.models import Tenant
from collectives.models import Collective
from tests.fixtures.html import parsed
from tokens import secret
from tokens.models import ApiToken

CREATE = "/u/{}/settings/tokens/new/actions/create_api_token{}"
FORMATS = ["", ".md"]


def made(browser, handle="alice", suffix=""):
    """Create a token and return the response as text."""
    path = CREATE.format(handle, suffix)
    answer = browser.post(path, {"name": "ci", "read_write": "write"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    return answer.content.decode().replace("&quot;", '"')


def plaintext_in(text):
    found = re.search(rf"hmn_\w{{{secret.LENGTH - 4}}}", text)
    assert found
    return found.group()


def lines(text):
    """Return the commands to try, in either format."""
    text = text.partition("Try it")[2]
    fenced = re.findall(r"```\n(.+)\n```", text)
    return fenced or re.findall(r"<pre><code>(.+?)</code></pre>", text)


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_shows_the_plaintext_once_and_commands_with_a_placeholder(page, suffix):
    text = made(page("alice"), suffix=suffix)

    header = '-H "Authorization: Bearer $HARMONIC_TOKEN"'
    assert lines(text) == [
        'export HARMONIC_TOKEN="paste-the-token-here"',
        f"curl {header} http://garden.localhost/api/v1",
        f"curl {header} http://garden.localhost/whoami.md",
    ]
    plaintext = plaintext_in(text)
    assert text.partition("Connect a client")[0].count(plaintext) == 1
    assert plaintext not in text.partition("Try it")[2]


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_warns_while_the_tenants_api_is_disabled(page, suffix):
    warning = "Until this is fixed, these requests are refused with 403."
    assert warning not in made(page("alice"), suffix=suffix)
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    text = made(page("alice"), suffix=suffix)

    assert warning in text
    assert "The API is disabled for Garden" in text
    assert "/tenant-admin/settings" in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_warns_if_the_agent_is_in_no_open_collective(page, suffix):
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    text = made(page("alice"), "scout", suffix)

    assert "scout is not in any collective with the API enabled" in text
    assert "The API is disabled in Kitchen Crew." in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_token_created_with_its_agent_is_shown_in_the_same_way(page, suffix):
    answer = page("alice").post(
        f"/ai-agents/new/actions/create_ai_agent{suffix}",
        {"name": "Rover", "generate_token": "true"},
    )

    text = answer.content.decode().replace("&quot;", '"')
    assert answer["Cache-Control"] == "no-store"
    assert text.partition("Connect a client")[0].count(plaintext_in(text)) == 1
    assert 'export HARMONIC_TOKEN="paste-the-token-here"' in lines(text)
    assert "Access: read + write. Expires:" in text
    assert re.search(r"/u/rover/settings/tokens/[0-9a-f-]{36}", text)
    assert "Rover is not in any collective with the API enabled" in text


# --- Titles ---------------------------------------------------------------------------------


def title_and_heading(answer):
    soup = parsed(answer.content)
    return soup.title.text.removesuffix(" · Garden Cooperative"), soup.h1.get_text(strip=True)


def test_the_title_of_the_answer_and_of_the_page_is_the_tokens_name(page):
    browser = page("alice")

    answer = browser.post(CREATE.format("alice", ""), {"name": "Tea & <biscuits>"})

    assert title_and_heading(answer) == ("Tea & <biscuits>", "Tea & <biscuits>")
    done = parsed(answer.content).select_one("a.button--primary")
    assert done.text == "Done"
    assert title_and_heading(browser.get(done["href"])) == ("Tea & <biscuits>", "Tea & <biscuits>")
    assert "title: API Token" in browser.get(done["href"] + ".md").content.decode()


@pytest.mark.parametrize(
    ("action", "heading"),
    [
        ("rotate_api_token", "Rotate “ci”"),
        ("rename_api_token", "Rename “ci”"),
        ("delete_api_token", "Delete “ci”?"),
    ],
)
def test_the_title_of_an_action_page_is_its_heading(page, action, heading):
    browser = page("alice")
    browser.post(CREATE.format("alice", ""), {"name": "ci"})
    token = ApiToken.unscoped.get(name="ci")
    path = f"/u/alice/settings/tokens/{token.id}/actions/{action}"

    assert title_and_heading(browser.get(path)) == (heading, heading)
    assert f'title: "Action: {action}"' in browser.get(path + ".md").content.decode()


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/u/alice/settings/tokens", "API Tokens"),
        ("/u/scout/settings/tokens", "API Tokens of scout"),
        ("/u/alice/settings/tokens/new", "New API Token"),
    ],
)
def test_the_title_of_list_and_form_is_the_heading(page, path, title):
    assert title_and_heading(page("alice").get(path)) == (title, title)
