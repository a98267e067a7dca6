"""`/whoami`: who the caller is, what the caller may do and where, in few words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harmonic.kernel.capabilities import Level
from harmonic.kernel.registry import grantable
from tests.agents.test_agents import give
from tests.blind.overhead import WHOAMI, beside_the_prompt
from tests.blind.reading import Document
from tests.fixtures.rows import change
from tests.fixtures.surfaces import MARKDOWN, Caller
from tests.markdown.reading import read


def whoami(who: str, **token: Any) -> str:
    return Caller(MARKDOWN, who, **token).get("/whoami").assert_done().text


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_an_agent_reads_everything_in_order(world):
    text = whoami("scout")

    assert in_order(
        text,
        "logged in as [scout](/u/scout), an AI agent",
        "managed by [Alice](/u/alice)",
        "This token can read and write until 20",
        "## Your Capabilities",
        "## Your Collectives (1)",
        "See [all actions](/actions).",
    )


def test_a_person_reads_everything_in_order(world):
    text = whoami("alice")

    assert in_order(
        text,
        "logged in as [Alice](/u/alice), a person and tenant admin",
        "This token can read and write until 20",
        "## Your Collectives (2)",
        "Treasury](/collectives/treasury) (API off)",
        "See [all actions](/actions).",
    )
    assert "tenant admin" not in whoami("bob")


@pytest.mark.parametrize(
    ("scopes", "words", "shown"),
    [
        (["read:all"], "only read until", "read:all"),
        (
            ["read:all", "create:all", "update:all", "delete:all"],
            "read and write until",
            "read write",
        ),
        (["read:users"], "only read users until", "read:users"),
        (
            ["read:all", "create:notes", "create:confirmations"],
            "only read everything and create confirmations and notes until",
            "read:all create:notes create:confirmations",
        ),
        (
            ["read:users", "create:notes", "update:notes"],
            "only read users, create notes and update notes until",
            "read:users create:notes update:notes",
        ),
    ],
)
def test_the_scope_of_the_token_is_said_in_words_and_in_the_frontmatter(
    world, scopes, words, shown
):
    text = whoami("bob", scopes=scopes)

    assert f"This token can {words}" in text
    assert f"\nscope: {shown}\n" in text.replace('"', "")


def test_a_session_has_no_scope(page):
    text = page("alice").get("/whoami.md").content.decode()

    assert "\nscope:" not in text
    assert "This token" not in text
    assert "a person and tenant admin" in text


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["create_note"], r"You can only run: `create_note`\."),
        ([], r"You can only read\."),
        (["usual"], rf"You cannot run: `{'`, `'.join(grantable(Level.CAREFUL))}`\."),
        (["all"], r"You have full capabilities\."),
    ],
)
def test_the_shorter_list_of_capabilities_is_shown(world, names, words):
    give(world, "scout", capability_names=names)

    text = whoami("scout")

    assert re.search(words, text)
    assert ("restricted your capabilities" in text) is (names != ["all"])


def test_the_number_of_collectives_needs_the_scope_to_read_them(world):
    text = whoami("bob", scopes=["read:users"])

    assert "## Your Collectives\n" in text
    assert "Requires the scope `read:all`" in text


def test_the_overhead_is_small(world):
    """Measure an agent without a prompt, a scratchpad or collectives of its own.

    The names of the withheld capabilities, of which each kind of items has more, do not count.
    """
    give(world, "pilot", identity_prompt="")
    change(world.agent("pilot"), scratchpad="")

    text = whoami("pilot")

    assert beside_the_prompt(Document(200, text)) <= WHOAMI
    assert read(text).actions == ["update_scratchpad"]
