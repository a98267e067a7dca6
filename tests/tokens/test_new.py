"""The answer that makes a token: its text, lines to run, and what keeps them from working."""

from __future__ import annotations

import re

import pytest

from accounts.models import Tenant
from collectives.models import Collective
from tokens import secret

CREATE = "/u/{}/settings/tokens/new/actions/create_api_token{}"
FORMATS = ["", ".md"]


def made(browser, handle="alice", suffix=""):
    """Return the answer that makes a token, as text."""
    path = CREATE.format(handle, suffix)
    answer = browser.post(path, {"name": "ci", "read_write": "write"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    return answer.content.decode().replace("&quot;", '"')


def plaintext_in(text):
    found = re.search(rf"hmn_\w{{{secret.LENGTH - 4}}}", text)
    assert found
    return found.group()


def lines(text):
    """Return the commands of an answer, whichever its format."""
    fenced = re.findall(r"```\n(.+)\n```", text)
    return fenced or re.findall(r"<pre><code>(.+?)</code></pre>", text)


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_holds_lines_for_the_environment_and_both_surfaces(page, suffix):
    text = made(page("alice"), suffix=suffix)

    plaintext = plaintext_in(text)
    header = '-H "Authorization: Bearer $HARMONIC_TOKEN"'
    shown = [line for line in lines(text) if line != plaintext]
    assert shown == [
        f"export HARMONIC_TOKEN={plaintext}",
        f"curl {header} http://garden.localhost/api/v1",
        f"curl {header} http://garden.localhost/whoami.md",
    ]
    assert text.count(plaintext) == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_says_that_a_tenants_switch_is_off_and_who_turns_it_on(page, suffix):
    warning = "Until this is cured, these lines are refused with 403."
    assert warning not in made(page("alice"), suffix=suffix)
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    text = made(page("alice"), suffix=suffix)

    assert warning in text
    assert "The API is off for Garden" in text
    assert "/tenant-admin/settings" in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_it_says_that_an_agent_gets_in_nowhere(page, suffix):
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    text = made(page("alice"), "scout", suffix)

    assert "scout is in no collective with the API on" in text
    assert "API is off in Kitchen Crew." in text


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_token_made_with_its_agent_is_told_as_fully(page, suffix):
    answer = page("alice").post(
        f"/ai-agents/new/actions/create_ai_agent{suffix}",
        {"name": "Rover", "generate_token": "true"},
    )

    text = answer.content.decode().replace("&quot;", '"')
    assert answer["Cache-Control"] == "no-store"
    assert f"export HARMONIC_TOKEN={plaintext_in(text)}" in lines(text)
    assert "It may read + write, and expires" in text
    assert re.search(r"/u/rover/settings/tokens/[0-9a-f-]{36}", text)
    assert "Rover is in no collective with the API on" in text
