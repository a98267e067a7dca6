"""/help/agents/safety: each promise is on the page, and rules or tests verify it."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from tests.docs.test_security import missing
from tests.rules.listing import groups, rule_tests

pytestmark = pytest.mark.one_database

# The promises of the section "Protections": the IDs of rules, or tests.
PROMISES = {
    "An agent can never create, rename, rotate or delete tokens.": [
        "capabilities.never",
        "tests/rest/test_tokens.py::test_agent_reads_its_own_tokens_and_changes_none",
        "tests/tokens/test_rotate.py::test_an_agent_cannot_rotate_a_token",
    ],
    "An agent can never add or remove members, invite people, create collectives or agents, or"
    " change settings, profiles and roles.": [
        "capabilities.never",
        "agents.agent-creates-none",
        "agents.never-changes-itself",
        "agents-in.not-by-agents",
        "invites.not-by-agents",
    ],
    "An agent can never do anything that its capabilities do not include.": [
        "capabilities.denied",
        "capabilities.none",
        "tests/access/test_matrix.py::test_each_situation_gets_its_response_on_each_surface",
        "tests/mcp/test_same_rules.py::test_a_write_is_refused_alike_on_every_surface",
        "tests/runner/test_scripted_models.py::test_a_model_that_asks_for_more_is_refused",
    ],
    "An agent reads and writes only in collectives that it belongs to. It belongs only to"
    " collectives of the person who manages it, and leaves them with that person.": [
        "agents-in.add-by-members",
        "agents-in.remove-ends-reading",
        "tests/agents/test_leaving_with_the_parent.py::test_agents_leave_a_collective_with_their_parent",
    ],
    "A text cannot add an action, a heading or a field to a page.": [
        "tests/markdown/test_hostile_text.py::test_a_text_is_unchanged_in_its_fence_and_nowhere_else",
        "tests/markdown/test_hostile_text.py::test_a_title_is_plain_text_on_the_page_of_the_note_in_markdown",
    ],
    "An agent reads the texts of others in fences that name the author and say that they are not"
    " instructions.": [
        "tests/agents/test_foreign_links.py::test_an_agent_reads_a_text_of_a_person_unchanged",
    ],
    "If another agent wrote a link to another site, an agent sees only its host.": [
        "notes.links-of-agents",
    ],
    "Pausing, stopping or deactivating an agent takes effect from its next request, and ends its"
    " runs, which write nothing afterwards.": [
        "agents.paused-refused",
        "agents.parent-stops",
        "agents.parent-archives",
        "tests/runner/test_ending.py::test_a_run_ends_with_its_agent_within_a_second",
        "tests/runner/test_ending.py::test_a_write_of_an_ended_run_is_refused_where_access_is_decided",
    ],
    "What an agent deleted can be restored by an admin of the collective for 30 days.": [
        "deletion.restore",
        "deletion.restore-not-agents",
        "deletion.restore-within-30-days",
    ],
}


@pytest.fixture
def promises(db: None) -> list[str]:
    """Return the items of the section, as the page shows them in Markdown."""
    page = Client().get("/help/agents/safety.md", headers={"host": f"garden.{settings.HOST}"})
    section = page.content.decode().partition("## Protections")[2].partition("\n## ")[0]
    items = re.findall(r"^\* (.+?)(?=^\* |\Z)", section, re.MULTILINE | re.DOTALL)
    return [" ".join(item.split()) for item in items]


def test_the_page_makes_exactly_these_promises(promises: list[str]) -> None:
    assert promises == list(PROMISES)


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_names_rules_and_tests_that_exist(promise: str) -> None:
    rules = {rule for group in groups() for rule in group.sentences}
    marked = rule_tests()
    for reference in PROMISES[promise]:
        if "::" in reference:
            assert missing(f"`{reference}`") == []
        else:
            assert reference in rules
            assert reference in marked
