"""Searches are limited in length, in terms and in results on a page."""

from __future__ import annotations

import time
from typing import Any

import pytest

from collectives.cycles.filters import MAX_LENGTH
from collectives.search.language.grammar import MAX_TERMS, Q_LENGTH
from collectives.search.language.operators import MAX_LIMIT
from collectives.search.params import PAGE
from tests.limits.conftest import MEGABYTE, REST, Write
from tests.limits.test_lists import links, pages_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.mark.meets("characters of a search")
@pytest.mark.parametrize("length", [Q_LENGTH, Q_LENGTH + 1])
def test_a_search_has_a_maximum_length(api: Any, length: int) -> None:
    response = api("bob").get(f"{REST}/notes", {"q": "x" * length})

    assert response.status_code == (200 if length == Q_LENGTH else 400)
    if length > Q_LENGTH:
        assert response.json()["error"] == f"q is too long (maximum {Q_LENGTH} characters)"


@pytest.mark.meets("terms of a search")
@pytest.mark.parametrize("query", ["a {}", '-a "b c" {}'])
@pytest.mark.parametrize("more", [0, 1])
def test_a_search_has_a_maximum_number_of_terms(api: Any, query: str, more: int) -> None:
    given = query.count("a") + query.count("b")
    asked = query.format("w " * (MAX_TERMS - given + more))

    response = api("bob").get(f"{REST}/notes", {"q": asked})

    assert response.status_code == (400 if more else 200)
    if more:
        sentence = f"q can have at most {MAX_TERMS} terms; yours has {MAX_TERMS + 1}"
        assert response.json()["error"] == sentence


@pytest.mark.meets("characters of filters")
@pytest.mark.parametrize("length", [MAX_LENGTH, MAX_LENGTH + 4])
def test_filters_have_a_maximum_length(api: Any, length: int) -> None:
    response = api("bob").get(f"{REST}/notes", {"filters": ("none," * length)[: length - 1]})

    assert response.status_code == (200 if length == MAX_LENGTH else 400)


@pytest.mark.meets("results on a page of a search")
@pytest.mark.parametrize(("asked", "shown"), [("", PAGE), ("limit:0", 1), ("limit:101", MAX_LIMIT)])
def test_a_page_of_results_has_a_maximum_length(
    api: Any, write_notes: Write, asked: str, shown: int
) -> None:
    write_notes(MAX_LIMIT + 1, "Needle {}")

    found = api("bob").get("/search.json", {"q": f"needle {asked}"}).json()

    assert (len(found["results"]), found["total_count"]) == (shown, MAX_LIMIT + 1)


def test_a_search_for_what_no_text_has_reads_no_texts(api: Any, write_notes: Write) -> None:
    write_notes(6, "x " * (MEGABYTE // 2) + "needle {}")
    bob = api("bob")
    started = time.perf_counter()

    first = bob.get(f"{REST}/notes", {"q": "needle a b c d e f g"})

    assert time.perf_counter() - started < 1
    assert first.json() == []
    assert len(pages_of(bob, f"{REST}/notes?q=needle&limit=5")) > 1


def test_a_search_pages_backwards_through_the_same_results(api: Any, write_notes: Write) -> None:
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


def test_all_matches_are_counted(api: Any, write_notes: Write) -> None:
    write_notes(12, "Note {}")

    found = api("bob").get(f'{REST}/notes?q="note 1"&count=true&limit=1')

    assert found["X-Total-Count"] == "3"


def test_words_match_in_any_case_and_any_script(api: Any, write_notes: Write) -> None:
    write_notes(1, "Öltuch und STRASSE, 100% gut_er Käse")
    bob = api("bob")

    def found(query: str) -> int:
        return len(bob.get(f"{REST}/notes", {"q": query}).json())

    for query in ("öltuch", "ÖLTUCH", "oltuch", "straße", "strasse", "KASE -butter"):
        assert found(query) == 1, query
    for query in ("100%", "gut_er", '"gut_er käse"', '"% g"'):
        assert found(query) == 1, query
    for query in ("oeltuch", "gutxer", "100x", "öltuch -kase", '"käse gut_er"'):
        assert found(query) == 0, query
