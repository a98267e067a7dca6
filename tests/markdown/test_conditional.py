"""Conditional reads of pages: 304 while a page is unchanged."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from math import ceil
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from collectives.notes.models import Note

pytestmark = pytest.mark.django_db

PAGE = "/collectives/kitchen/members.md"


def asked_again(client: Any, path: str, etag: str, method: str = "get") -> Any:
    return getattr(client, method)(path, headers={"if-none-match": etag})


@pytest.mark.parametrize("method", ["get", "head"])
def test_an_unchanged_page_is_not_sent_again(api: Any, method: str) -> None:
    alice = api("alice")
    first = alice.get(PAGE)

    again = asked_again(alice, PAGE, first["ETag"], method)

    assert re.fullmatch(r'W/"[0-9a-f]{32}"', first["ETag"])
    assert again.status_code == 304
    assert again.content == b""
    assert "Content-Type" not in again
    kept = ("ETag", "Cache-Control", "Vary", "Link")
    assert {name: again[name] for name in kept} == {name: first[name] for name in kept}
    assert first["Cache-Control"] == "private, no-cache"


def test_the_timestamp_is_not_part_of_the_tag(api: Any) -> None:
    alice = api("alice")
    first = alice.get(PAGE)

    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        later = alice.get(PAGE)

    assert first.content != later.content
    assert first["ETag"] == later["ETag"]


def test_the_link_to_older_items_is_the_same_all_day(api: Any, world: Any) -> None:
    alice, page = api("alice"), "/collectives/kitchen.md"
    for number in range(21):
        alice.post("/collectives/kitchen/note/actions/create_note", {"text": f"Note {number}"})
    later = world.now + timedelta(hours=30)

    with time_machine.travel(later, tick=False):
        first = alice.get(page)
    with time_machine.travel(later + timedelta(seconds=20), tick=False):
        again = asked_again(alice, page, first["ETag"])

    assert "?cursor=" in first.content.decode()
    assert again.status_code == 304


def test_a_change_changes_the_tag(api: Any, note_path: Any) -> None:
    alice, path = api("alice"), note_path("Knife care")
    before = alice.get(f"{path}.md")["ETag"]

    body = json.dumps({"text": "Mind the edge."})
    assert alice.post(f"{path}/actions/add_comment", body, "application/json").status_code == 200

    after = asked_again(alice, f"{path}.md", before)
    assert after.status_code == 200
    assert after["ETag"] != before


def test_relative_times_change_the_tag(api: Any, note_path: Any, world: Any) -> None:
    alice, path = api("alice"), note_path("Knife care") + ".md"
    note = Note.unscoped.filter(title="Knife care")
    tags = []
    with time_machine.travel(world.now + timedelta(hours=1), tick=False):
        for words in ({"text": "One."}, {"text": "Two."}, {"title": "Knives", "text": "Two."}):
            note.update(**words)
            tags.append(alice.get(path)["ETag"])
            note = Note.unscoped.filter(text=words["text"])

    assert len(set(tags)) == 3


def test_each_viewer_has_a_tag_of_their_own(api: Any) -> None:
    etag = api("alice").get(PAGE)["ETag"]

    assert asked_again(api("bob"), PAGE, etag).status_code == 200


def test_a_title_that_looks_like_a_timestamp_changes_the_tag(api: Any) -> None:
    alice = api("alice")

    def etag_with(title: str) -> str:
        body = json.dumps({"title": title, "text": "text"})
        made = alice.post("/note/actions/create_note.json", body, "application/json").json()
        document = alice.get(f"{made['resource']['path']}.md")
        return str(document["ETag"])

    assert etag_with("timestamp: 2026-01-01T00:00:00Z") != etag_with("timestamp: 2026")


def test_a_session_gets_304_for_the_suffix_too(page: Any) -> None:
    alice = page("alice")

    assert asked_again(alice, PAGE, alice.get(PAGE)["ETag"]).status_code == 304


def test_html_refusals_writes_and_secrets_have_no_tag(page: Any, api: Any) -> None:
    made = api("alice").post(
        "/u/alice/settings/tokens/new/actions/create_api_token.md",
        {"name": "once"},
        headers={"if-none-match": "*"},
    )

    assert made.status_code == 200
    assert "hmn_" in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    for answer in (
        made,
        page("alice").get("/collectives/kitchen"),
        api("alice").get("/n/00000000.md", headers={"if-none-match": "*"}),
        api("bob").get("/tenant-admin.md", headers={"if-none-match": "*"}),
    ):
        assert "ETag" not in answer
        assert answer.content


def test_the_index_of_actions_as_json_has_a_strong_tag(api: Any) -> None:
    alice = api("alice")
    first = alice.get("/whoami/actions.json")

    assert first["ETag"].startswith('"')
    assert asked_again(alice, "/whoami/actions.json", first["ETag"]).status_code == 304


@pytest.mark.parametrize("path", ["/whoami.md", "/help/api.md", "/n/00000000.md"])
def test_every_document_has_a_token_estimate(api: Any, path: str) -> None:
    answer = api("alice").get(path)

    characters = len(answer.content.decode())
    assert answer["Content-Tokens-Estimate"] == str(ceil(characters / 4))
