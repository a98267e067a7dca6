"""Searches are limited in length and in the notes they scan."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collectives.cycles.filters import MAX_LENGTH
from collectives.items import search
from collectives.items.search import LOOKED_AT, LOOKED_AT_BYTES, MAX_WORDS, Q_LENGTH
from tests.limits.conftest import MEGABYTE, REST, Write
from tests.limits.test_lists import links, pages_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.mark.meets("characters of a search")
@pytest.mark.parametrize("length", [Q_LENGTH, Q_LENGTH + 1])
def test_a_search_has_a_maximum_length(api: Any, length: int) -> None:
    response = api("bob").get(f"{REST}/notes", {"q": "x" * length})

    assert response.status_code == (200 if length == Q_LENGTH else 400)
    if length > Q_LENGTH:
        assert response.json()["error"] == "q is too long (maximum 100 characters)"


@pytest.mark.meets("words of a search")
@pytest.mark.parametrize("query", ["a {}", '-a "b c" {}'])
@pytest.mark.parametrize("more", [0, 1])
def test_a_search_has_a_maximum_number_of_words(api: Any, query: str, more: int) -> None:
    given = query.count("a") + query.count("b")
    asked = query.format("w " * (MAX_WORDS - given + more))

    response = api("bob").get(f"{REST}/notes", {"q": asked})

    assert response.status_code == (400 if more else 200)
    if more:
        assert response.json()["error"] == "q may have 8 words at most; yours has 9"


@pytest.mark.meets("characters of filters")
@pytest.mark.parametrize("length", [MAX_LENGTH, MAX_LENGTH + 4])
def test_filters_have_a_maximum_length(api: Any, length: int) -> None:
    response = api("bob").get(f"{REST}/notes", {"filters": ("none," * length)[: length - 1]})

    assert response.status_code == (200 if length == MAX_LENGTH else 400)


@pytest.mark.meets("bytes of text that a search looks at for a page")
def test_a_search_over_long_notes_reads_a_part_and_continues(api: Any, write_notes: Write) -> None:
    write_notes(6, "x " * (MEGABYTE // 2) + "needle {}")
    words = " ".join(["needle", *"abcdefg"])
    bob = api("bob")
    started = time.perf_counter()

    first = bob.get(f"{REST}/notes", {"q": words.replace("a", "x")})

    # Seven words are missing: every text is scanned to its end for the first of them.
    assert time.perf_counter() - started < 1
    assert first.json() == []
    assert "next" in links(first)
    shown = pages_of(bob, f"{REST}/notes?q=needle&limit=5")
    assert [len(each.json()) <= 2 for each in shown] == [True] * len(shown)
    found = [row["text"][-1] for each in shown for row in each.json()]
    assert found == list("012345")


@pytest.mark.meets("notes that a search looks at for a page")
def test_a_search_over_many_notes_scans_a_part_and_continues(
    api: Any, write_notes: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 10)
    write_notes(40, "Note {}.")

    shown = pages_of(api("bob"), f'{REST}/notes?q="Note 3"')

    assert len(shown) >= 4
    assert [row["text"] for each in shown for row in each.json()] == [
        "Note 3.",
        *(f"Note 3{n}." for n in range(10)),
    ]
    assert (LOOKED_AT, LOOKED_AT_BYTES) == (1000, 2_000_000)


def test_a_search_pages_backwards_through_the_same_results(
    api: Any, write_notes: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED_AT", 7)
    write_notes(40, "Note {}")
    bob = api("bob")
    forth = pages_of(bob, f'{REST}/notes?q="note 1"&limit=3')

    last = next(each for each in reversed(forth) if "prev" in links(each))
    back = pages_of(bob, links(last)["prev"].removeprefix("http://garden.localhost"), "prev")

    everything = [row["text"] for each in forth for row in each.json()]
    before = [row["text"] for each in reversed(back) for row in each.json()]
    assert len(everything) == 11
    assert before == everything[: len(before)]
    assert (
        before + [row["text"] for row in last.json()]
        == everything[: len(before) + len(last.json())]
    )


def test_matches_are_counted_only_when_every_note_is_scanned(
    api: Any, write_notes: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(12, "Note {}")
    bob, path = api("bob"), f'{REST}/notes?q="note 1"&count=true&limit=1'

    assert bob.get(path)["X-Total-Count"] == "3"
    monkeypatch.setattr(search, "LOOKED_AT", 7)
    assert "X-Total-Count" not in bob.get(path)


def test_words_match_in_any_case_and_any_script(api: Any, write_notes: Write) -> None:
    write_notes(1, "Öl und STRASSE, 100% gut_er Käse")
    bob = api("bob")

    def found(query: str) -> int:
        return len(bob.get(f"{REST}/notes", {"q": query}).json())

    for query in ("öl", "ÖL", "straße", "100%", "gut_er", '"gut_er käse"', "öl -butter"):
        assert found(query) == 1, query
    for query in ("ol strasse", "gutxer", "100x", "öl -käse", '"käse gut_er"'):
        assert found(query) == 0, query


def test_search_words_are_never_sent_to_the_database(api: Any) -> None:
    with CaptureQueriesContext(connection) as captured:
        api("bob").get(f"{REST}/notes", {"q": "Zanzibar"})

    assert not any("zanzibar" in query["sql"].lower() for query in captured.captured_queries)
