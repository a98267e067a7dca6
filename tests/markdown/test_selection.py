"""Selections of parts of a page (docs/agents.md, Reading less)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harmonic.kernel.http.selection import Selection
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db
TRICKY = "````\n## History\n````\n\n## Comments (9)\n\nwords"


@pytest.fixture
def tricky_path(api: Any) -> str:
    """Create a note whose text looks like sections, and return its path."""
    body = json.dumps({"title": "Tricky", "text": TRICKY})
    answer = api("alice").post("/collectives/kitchen/api/v1/notes", body, "application/json")
    return str(answer.json()["path"])


def asked(client: Any, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer


def test_sections_selects_sections(api: Any, tricky_path: str) -> None:
    alice = api("alice")

    whole = read(asked(alice, tricky_path).content.decode())
    part = read(asked(alice, f"{tricky_path}?sections=text").content.decode())

    assert whole.headings == ["Note: Tricky", "Text", "History", "Comments (0)"]
    assert part.headings == ["Note: Tricky", "Text"]
    assert TRICKY in part.body
    assert part.fields.keys() == whole.fields.keys()


def test_brief_omits_the_history_and_the_details_of_actions(api: Any, tricky_path: str) -> None:
    alice = api("alice")

    whole = read(asked(alice, tricky_path).content.decode())
    brief = read(asked(alice, f"{tricky_path}?view=brief").content.decode())

    assert brief.headings == ["Note: Tricky", "Text", "Comments (0)"]
    assert brief.fields["actions"] == [{"name": each["name"]} for each in whole.fields["actions"]]
    assert TRICKY in brief.body


def test_actions_none_omits_the_actions(api: Any, tricky_path: str) -> None:
    seen = read(asked(api("alice"), f"{tricky_path}?actions=none").content.decode())

    assert "actions" not in seen.fields
    assert "History" in seen.headings


def test_an_unknown_section_is_named_with_the_existing_ones(api: Any, tricky_path: str) -> None:
    answer = asked(api("alice"), f"{tricky_path}?sections=Text,back links,</>[x](y)")

    body = answer.content.decode()
    assert "Note: no section back-links, x-y here; there are: text, history, comments.\n" in body
    assert read(body).headings == ["Note: Tricky", "Text"]


def test_unknown_values_change_nothing(api: Any, tricky_path: str) -> None:
    alice = api("alice")

    whole = asked(alice, f"{tricky_path}?view=full&actions=all&sections=,")

    assert read(whole.content.decode()).headings[-1] == "Comments (0)"


def test_a_selection_is_shorter_and_keeps_the_tag(api: Any, tricky_path: str) -> None:
    alice, bob = api("alice"), api("bob")

    whole = asked(bob, tricky_path)
    part = asked(bob, f"{tricky_path}?view=brief&sections=text&actions=none")
    again = bob.get(f"{tricky_path}?view=brief", headers={"if-none-match": whole["ETag"]})
    edit = {"title": "Tricky", "text": "Changed."}
    path = f"{tricky_path}/edit/actions/update_note"
    tag = asked(alice, f"{tricky_path}/edit?view=brief")["ETag"]
    written = alice.post(path, json.dumps(edit), "application/json", headers={"if-match": tag})

    assert part["ETag"] == whole["ETag"]
    assert int(part["Content-Tokens-Estimate"]) < int(whole["Content-Tokens-Estimate"]) * 0.6
    assert again.status_code == 304
    assert written.status_code == 200


def test_selection_does_not_apply_to_refusals_and_html(
    api: Any, page: Any, tricky_path: str
) -> None:
    refused = api("alice").get("/collectives/treasury?sections=none&view=brief")
    shown = page("alice").get(f"{tricky_path}?sections=none&view=brief")

    assert refused.status_code == 403
    assert "What you can do" in read(refused.content.decode()).headings
    assert "Comments (0)" in shown.content.decode()


@pytest.mark.parametrize(
    "fenced",
    ["```\n## C\n```\n", "~~~~\n```\n## C\n~~~\n## C\n~~~~\n", "````md\n```\n## C\n```\n````\n"],
)
def test_headings_inside_a_fence_are_not_sections(fenced: str) -> None:
    body = f"# A\n\n{fenced}\n## B (3)\n\nb\n\n## C\n\nc\n"

    chosen = Selection(sections=("b",)).of_body(body)

    assert chosen == f"# A\n\n{fenced}\n## B (3)\n\nb\n\n"
