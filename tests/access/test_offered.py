"""Pages offer an action on the targets that its policy allows, and on no others."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.surfaces import HTML, MARKDOWN, on

pytestmark = pytest.mark.django_db

ALICES = "Where things go in the fridge"
BOBS = "Knife care"


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("below", ["", "/actions"], ids=["page", "list"])
@pytest.mark.parametrize(
    ("handle", "note", "is_offered"),
    [
        ("bob", BOBS, True),
        ("bob", ALICES, False),
        # Alice is an admin of the collective.
        ("alice", BOBS, True),
    ],
)
def test_deletion_is_offered_only_to_those_who_may_delete_the_note(
    call: Any, note_path: Any, handle: str, note: str, below: str, is_offered: bool
) -> None:
    path = f"{note_path(note)}/settings"

    answer = call(handle).get(f"{path}{below}")

    assert answer.status == 200
    assert (f"{path}/actions/delete_note" in answer.text) == is_offered
    assert f"{path}/actions/pin_note" in answer.text
