"""The recent activity on a profile, limited to what the viewer and their token may read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from collectives.feed.queries import PAGE
from collectives.notes.models import Note

pytestmark = pytest.mark.django_db

HEADING = "Recent Activity"


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_profile_lists_its_owners_items_with_their_paths(page: Any, suffix: str) -> None:
    alice = page("alice")
    tenant = alice.get(f"/u/carol{suffix}").text.partition(HEADING)[2]
    kitchen = alice.get(f"/collectives/kitchen/u/bob{suffix}").text.partition(HEADING)[2]

    assert "The garden opens at eight" in tenant
    # What Carol wrote in collectives of hers is not read on the tenant's page.
    assert "Board minutes" not in tenant
    assert "Compost" in kitchen
    assert "Bread that works here" not in kitchen


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_a_profile_without_activity_says_so(page: Any, suffix: str) -> None:
    shown = page("alice").get(f"/u/bob{suffix}").text.partition(HEADING)[2]

    assert "Nothing has been written here yet." in shown


def test_a_token_without_read_notes_gets_no_activity(api: Any) -> None:
    narrow = api("alice", scopes=["read:users"]).get("/u/carol").text
    wide = api("alice", scopes=["read:users", "read:notes"]).get("/u/carol").text

    assert "The garden opens at eight" in wide
    assert HEADING not in narrow
    assert "The garden opens at eight" not in narrow
    assert "recent activity" in narrow


def test_the_activity_of_a_profile_is_paged(page: Any, world: Any) -> None:
    like = Note.unscoped.get(title="Compost")
    for number in range(PAGE):
        like.id, like.title = uuid4(), f"Note {number}"
        like.truncated_id = like.id.hex[:8]
        Note.unscoped.bulk_create([like])
    alice, path = page("alice"), "/collectives/kitchen/u/bob"

    older = alice.get(path).text.partition('rel="next" href="')[2].partition('"')[0]

    assert older.startswith(f"{path}?cursor=")
    assert alice.get(older).text.partition(HEADING)[2] != alice.get(path).text.partition(HEADING)[2]
