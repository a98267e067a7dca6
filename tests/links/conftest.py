"""Items that link to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller

Write = Callable[..., Any]
PATHS = {"Note": "n", "Decision": "d", "Commitment": "c"}


@pytest.fixture
def write(world: Any) -> Write:
    """Return a function that creates an item over REST and returns its JSON."""
    acts = {
        "Note": ("create_note", lambda text: {"text": text}),
        "Decision": ("create_decision", lambda text: {"question": "?", "description": text}),
        "Commitment": (
            "create_commitment",
            lambda text: {"title": "!", "description": text, "critical_mass": 1},
        ),
    }

    callers: dict[str, Caller] = {}

    def make(
        text: str = "Nothing", *, kind: str = "Note", who: str = "bob", at: str = KITCHEN
    ) -> Any:
        name, params = acts[kind]
        if who not in callers:
            callers[who] = Caller(REST, who)
        return callers[who].act(name, at, **params(text)).assert_done().json

    return make


@pytest.fixture
def backlinks(world: Any) -> Callable[..., list[str]]:
    """Return a function that returns the IDs of the items that link to an item."""

    def read(item: Any, who: str = "alice", **token: Any) -> list[str]:
        collection = {"n": "notes", "d": "decisions", "c": "commitments"}
        place, letter, item_id = item["path"].rsplit("/", 2)
        path = f"{place}/api/v1/{collection[letter]}/{item_id}?include=backlinks"
        found = Caller(REST, who, **token).get(path).json["backlinks"]
        return [each["id"] for each in found]

    return read
