"""Decisions and commitments that an admin deletes are logged with their content (content 15.2)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import SecurityEvent
from collectives.commitments.models import Commitment
from collectives.decisions.models import Decision
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "decision": (Decision, {"question": "Which flour?", "description": "Rye or spelt."}),
    "commitment": (
        Commitment,
        {"title": "Which flour?", "description": "Rye or spelt.", "critical_mass": 2},
    ),
}


def make(kind: str) -> str:
    """Create an item as Bob and return its path."""
    model, sent = KINDS[kind]
    Caller(MARKDOWN, "bob").act(f"create_{kind}", KITCHEN, **sent).assert_done()
    return f"{KITCHEN}/{kind[0]}/{model.unscoped.get(title='Which flour?').truncated_id}"


@pytest.mark.rule("deletion.logged-others")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("who", "is_kept"), [("alice", True), ("bob", False)])
def test_deleting_an_item_of_another_person_is_logged(world, call, caplog, kind, who, is_kept):
    path = make(kind)

    call(who).act(f"delete_{kind}", path).assert_done()

    lines = [line.audit for line in caplog.records if line.message == "content_deleted"]
    assert [line["snapshot"] for line in lines] == ["Which flour?\nRye or spelt."] * is_kept
    rows = SecurityEvent.unscoped.filter(event="content_deleted", user=world.user(who))
    assert rows.exists() is is_kept
