"""The first answers link /whoami, help and actions; a wrong address names the right one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.markdown.reading import read

pytestmark = pytest.mark.django_db

MARKDOWN = {"accept": "text/markdown"}
JSON = {"accept": "application/json"}


def text_of(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    text: str = answer.content.decode()
    return text.replace("\\", "")


def hint_of(answer: Any) -> str:
    """Return what a 404 in Markdown says under "What you can do"."""
    text = text_of(answer, 404)
    return text.partition("## What you can do\n\n")[2].partition("\n")[0]


# --- The first answer -----------------------------------------------------------------------


@pytest.mark.parametrize("agent", [None, "scout"])
def test_the_first_lines_of_home_name_whoami_help_and_actions(api: Any, agent: str | None) -> None:
    client = api("alice", agent=agent) if agent else api("alice")

    first = text_of(client.get("/")).partition("nav:")[2].splitlines()[:6]

    for path in ("/whoami", "/help", "/actions"):
        assert any(f"]({path})" in line for line in first[1:])
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/collectives/kitchen", "/u/bob", "/nowhere"])
def test_the_navigation_line_links_whoami_and_help(api: Any, path: str) -> None:
    nav = api("alice").get(path).content.decode().partition("nav: ")[2].partition("\n")[0]

    assert nav.startswith("| [Home](/)")
    found = r"\[🔍\]\(/search\) \| \[\d+\]\(/notifications\)"
    links = rf"\| \[Who am I\]\(/whoami\) \| {found} \| \[Help\]\(/help\) \|"
    assert re.search(f"{links}$", nav)


def test_the_navigation_line_of_nobody_links_help_alone(anonymous: Any) -> None:
    answer = anonymous().get("/help.md")

    assert "nav: | [Home](/) | [Help](/help) |\n" in text_of(answer)


# --- The base domain ------------------------------------------------------------------------


def test_the_front_door_says_that_the_address_of_a_community_comes_first(anonymous: Any) -> None:
    text = text_of(anonymous("").get("/", headers=MARKDOWN))

    assert "`http://COMMUNITY.localhost/`" in text
    assert "/whoami" in text
    assert "[Garden Cooperative](http://garden.localhost/)" in text


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/notes"])
def test_the_api_is_not_at_the_base_domain_and_the_answer_says_where(
    anonymous: Any, path: str
) -> None:
    answer = anonymous("").get(path, headers=JSON)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert "http://COMMUNITY.localhost/api/v1" in answer.json()["hint"]
    assert "http://localhost/ lists communities" in answer.json()["hint"]


@pytest.mark.parametrize("path", ["/whoami", "/collectives/kitchen", "/login"])
def test_pages_of_communities_are_not_at_the_base_domain(anonymous: Any, path: str) -> None:
    hint = hint_of(anonymous("").get(path, headers=MARKDOWN))

    assert "http://COMMUNITY.localhost/" in hint


# --- The workspace --------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
@pytest.mark.parametrize("agent", [None, "scout"])
def test_a_token_gets_its_workspace_without_a_redirect(
    api: Any, world: Any, agent: str | None, suffix: str
) -> None:
    client = api("alice", agent=agent) if agent else api("alice")
    workspace = world.workspace(agent or "alice")

    seen = read(text_of(client.get(f"/workspace{suffix}")))

    assert seen.fields["path"] == f"/workspace/{workspace.handle}"
    assert seen.headings[0].startswith("Workspace: ")


def test_a_browser_is_redirected_to_its_workspace(page: Any) -> None:
    assert page("alice").get("/workspace").status_code == 302


def test_a_token_of_nobody_gets_no_workspace(anonymous: Any) -> None:
    answer = anonymous().get("/workspace", headers={"authorization": "Bearer hmn_x", **MARKDOWN})

    assert answer.status_code == 401


# --- Wrong addresses ------------------------------------------------------------------------

SEARCH = "Search one collective with GET /search?q=collective:kitchen WORDS."
PIN = "POST {}/n/1a2b3c4d/settings/actions/pin_note."


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/collectives/kitchen/search", SEARCH),
        ("/notes/1a2b3c4d/pin", PIN.format("")),
        ("/collectives/kitchen/notes/1a2b3c4d/pin", PIN.format("/collectives/kitchen")),
        ("/u/me", "Yours is /u/alice."),
        ("/u/me/settings", "Yours is /u/alice."),
        ("/u/me/settings/token", "/u/alice/settings/tokens"),
        ("/users/bob", "/u/bob"),
        ("/agents/scout", "/ai-agents/scout"),
        ("/notes/1a2b3c4d", "/n/1a2b3c4d"),
        ("/collectives/kitchen/notes/1a2b3c4d", "/collectives/kitchen/n/1a2b3c4d"),
        ("/collectives/kitchen/memebrs", "/collectives/kitchen/members"),
        ("/collectives/kitchen/decisions", "/collectives/kitchen"),
        ("/kitchen/members", "GET /collectives/kitchen/members."),
    ],
)
def test_a_404_names_what_was_probably_meant(api: Any, path: str, named: str) -> None:
    assert named in hint_of(api("alice").get(path))


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/collectives/kitchen/api/v1/members", "GET /api/v1/collectives/kitchen/members."),
    ],
)
def test_a_404_of_the_api_names_what_serves_it(api: Any, path: str, named: str) -> None:
    answer = api("alice").get(path)

    assert answer.status_code == 404
    assert named in answer.json()["hint"]


@pytest.mark.parametrize(
    "path", ["/nowhere", "/[x](http://evil.example)", "/n/x/](http://e.example)"]
)
def test_a_404_repeats_no_markup_of_the_path(api: Any, path: str) -> None:
    text = text_of(api("alice").get(path), 404).partition("nav:")[2]

    assert "evil" not in text
    assert "e.example" not in text


@pytest.mark.parametrize(
    ("page_path", "name", "where"),
    [
        ("{note}", "pin_note", "{note}/settings"),
        ("{note}/settings", "add_comment", "{note}"),
        ("/collectives/kitchen", "create_invite", "/collectives/kitchen/invite"),
        ("", "create_collective", "/collectives/new"),
        (
            "/collectives/kitchen",
            "add_comment",
            "/collectives/kitchen/n/{note_id}`, `/collectives/kitchen/d/{decision_id}` and"
            " `/collectives/kitchen/c/{commitment_id}",
        ),
        ("/whoami", "create_api_token", "/u/{handle}/settings/tokens/new"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_wrong_page_for_an_action_names_the_page_that_has_it(
    api: Any, note_path: Any, page_path: str, name: str, where: str, method: str
) -> None:
    note = note_path("Knife care")
    path = f"{page_path.replace('{note}', note)}/actions/{name}"

    answer = getattr(api("alice"), method)(path)

    assert hint_of(answer) == f"`{name}` is an action of `{where.replace('{note}', note)}`."


def test_a_misspelt_action_still_names_the_nearest_here(api: Any, note_path: Any) -> None:
    answer = api("alice").get(f"{note_path('Knife care')}/actions/add_coment")

    assert hint_of(answer) == "Did you mean “add_comment”?"


# --- Pages on which nothing can be done -----------------------------------------------------


def last_line(answer: Any) -> str:
    return text_of(answer).rstrip("\n").splitlines()[-3]


@pytest.mark.parametrize(
    ("path", "scopes", "line"),
    [
        ("/", ["read:all"], "No actions here: the token lacks the scope"),
        ("{note}", ["read:all"], "No actions here: the token lacks the scope"),
        ("/collectives/kitchen/note", ["read:all"], "No actions here: the token lacks the scope"),
        (
            "{note}/settings",
            ["read:all", "create:notes"],
            "No actions here: the token lacks the scope",
        ),
    ],
)
def test_a_page_without_actions_says_why_in_its_last_line(
    api: Any, note_path: Any, path: str, scopes: list[str], line: str
) -> None:
    path = path.replace("{note}", note_path("Welcome to the kitchen"))

    answer = api("alice", scopes=scopes).get(path)

    assert last_line(answer).startswith(line)
    assert "actions" not in read(text_of(answer)).fields


def test_an_agent_without_the_capabilities_reads_that(api: Any) -> None:
    answer = api("bob", agent="pilot").get("/collectives/new")

    assert last_line(answer) == "No actions here: your capabilities include none of them."


def test_a_person_without_the_role_reads_whose_actions_they_are(api: Any) -> None:
    assert last_line(api("alice").get("/whoami")) == (
        "No actions here: Only AI agents have a scratchpad."
    )


def test_a_page_with_actions_and_a_public_page_have_no_such_line(api: Any, note_path: Any) -> None:
    for path in (note_path("Knife care"), "/help", "/motto"):
        assert "No actions" not in text_of(api("alice").get(path))
        assert "no actions." not in text_of(api("alice").get(path))
