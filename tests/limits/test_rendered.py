"""Texts are rendered once for each version, and quickly."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache import caches

from collectives.notes.models import Note
from harmonic.kernel.rendering import rendered, text
from tests.limits.conftest import KITCHEN

LONG = "*word* " * 500
SHORT = "*word* and *word*"


@pytest.fixture
def rendering(fresh_cache: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of rendered texts."""
    texts: list[str] = []

    def render(value: str) -> Any:
        texts.append(value)
        return text.to_html(value)

    monkeypatch.setattr(rendered, "to_html", render)
    return texts


@pytest.mark.django_db
@pytest.mark.parametrize("value", [SHORT, LONG])
def test_a_version_of_a_text_is_rendered_once(
    note: Note, page: Any, rendering: list[str], value: str
) -> None:
    path = f"{KITCHEN}/n/{note.truncated_id}"
    alice, bob = page("alice"), page("bob")
    for version in (value, f"{value} again"):
        Note.unscoped.filter(id=note.id).update(text=version)

        shown = [client.get(path).content.decode() for client in (alice, bob, alice)]

        assert rendering.count(version) == 1
        assert all(str(text.to_html(version)) in each for each in shown)


def test_processes_share_rendered_texts(rendering: list[str]) -> None:
    rendered.rendered(LONG)
    # Processes share only the cache.
    rendered._short.cache_clear()

    assert rendered.rendered(LONG) == text.to_html(LONG)
    assert rendering == [LONG]


def test_a_new_release_renders_texts_again(
    rendering: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered.rendered(LONG)
    monkeypatch.setattr(rendered, "release", lambda: "another")

    rendered.rendered(LONG)

    assert rendering == [LONG, LONG]


@pytest.mark.parametrize("method", ["get", "set"])
def test_a_broken_cache_breaks_no_page(
    rendering: list[str], monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(caches[rendered.CACHE], method, broken)

    assert rendered.rendered(LONG) == text.to_html(LONG)


@pytest.mark.meets("rendered texts kept")
def test_the_cache_has_a_maximum_size(rendering: list[str]) -> None:
    cache: Any = caches[rendered.CACHE]
    cache._max_entries = 10

    for number in range(30):
        rendered.rendered(f"{LONG}{number}")

    assert len(cache._list_cache_files()) <= 10


@pytest.mark.meets("a formatted text")
def test_a_longer_text_is_shown_unformatted() -> None:
    assert "<em>" in text.to_html("*a* ".ljust(text.FORMATTED_LIMIT))
    assert "unformatted" in text.to_html("*a* ".ljust(text.FORMATTED_LIMIT + 1))


@pytest.mark.meets("brackets of a formatted text", "links of a formatted text")
@pytest.mark.parametrize(
    ("mark", "limit"), [("[", text.BRACKETS_LIMIT), ("a@b.example ", text.LINKS_LIMIT)]
)
def test_a_text_with_many_brackets_or_links_is_shown_unformatted(mark: str, limit: int) -> None:
    assert "unformatted" not in text.to_html(mark * limit)
    assert "unformatted" in text.to_html(mark * (limit + 1))


def table(columns: int, rows: int, row: str = "") -> str:
    line = "|a" * columns + "|\n"
    return line + "|-" * columns + "|\n" + (row or line) * rows


@pytest.mark.meets("cells of a formatted text")
def test_a_table_padded_beyond_the_limit_is_shown_unformatted() -> None:
    columns = 100
    rows = text.CELLS_LIMIT // columns - 2

    assert "<table>" in text.to_html(table(columns, rows, "a\n"))
    assert "unformatted" in text.to_html(table(columns, rows + 10, "a\n"))


def test_a_fully_written_table_is_formatted() -> None:
    assert "<table>" in text.to_html(table(20, 500))
    assert "<table>" in text.to_html(table(10, 4_500))


@pytest.mark.parametrize("prefix", ["", "> ", "1. x\n   ", "- "])
@pytest.mark.parametrize("columns", [40, 1_000])
def test_every_displayed_text_renders_quickly(prefix: str, columns: int) -> None:
    head = f"{prefix}{'|a' * columns}|\n{prefix.rpartition(chr(10))[2]}{'|:-:' * columns}|\n"
    value = head + f"{prefix.rpartition(chr(10))[2]}a\n" * 9_000

    started = time.perf_counter()
    html = text.to_html(value[: text.HTML_LIMIT])

    assert time.perf_counter() - started < 3
    assert len(html) < 500_000
