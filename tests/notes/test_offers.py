"""What pages offer is what their reader has a reason to do."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db

LABEL, ACTION = "Confirm that I read this", "confirm_read"


def test_authors_are_not_offered_to_confirm_their_own_note(
    page: Any, api: Any, note_path: Any
) -> None:
    path = note_path("Compost")

    assert LABEL in page("alice").get(path).text
    assert ACTION in api("alice").get(path).text
    assert LABEL not in page("bob").get(path).text
    assert ACTION not in api("bob").get(path).text


def test_authors_may_confirm_all_the_same(api: Any, note_path: Any) -> None:
    alice, path = api("alice"), note_path("Welcome to the kitchen")

    answer = alice.post(f"{path}/actions/confirm_read", {}, content_type="application/json")

    assert answer.status_code == 200
