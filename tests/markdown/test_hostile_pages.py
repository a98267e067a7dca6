"""No user text changes the structure of a page, in HTML and in Markdown.

A text is stored in every field at once, and each page is compared with the same page of a world
with a harmless text: the keys of the frontmatter, the actions, the headings, the links, the types
of the Markdown elements, and the tags of the HTML.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.fixtures.world import World
from tests.markdown.hostile import (
    FEW,
    HARMLESS,
    HOSTILE,
    HTML,
    NAME_LENGTH,
    UNSTORABLE,
    WRITTEN_OTHERWISE,
    PageRequest,
    Structure,
    packed,
    page_requests,
    refused_forms,
    stage_of,
    text_fields,
    write_everywhere,
)

pytestmark = [pytest.mark.one_database, pytest.mark.django_db]
# The position of a text means nothing in HTML, so that several are tested at once.
PACKS = packed(HOSTILE, NAME_LENGTH)
Choice = Callable[[int, PageRequest], bool]
# The structures with the harmless text, by request: the same for all tests of a process.
_harmless: dict[str, Structure] = {}


def structures(world: World, text: str, choice: Choice) -> dict[str, Structure]:
    """Return the structure of each chosen page of a world in which every text is `text`."""
    with transaction.atomic():
        stage = stage_of(world)
        write_everywhere(stage, text)
        requests = enumerate(page_requests(stage, text))
        found = {each.name: each.structure() for i, each in requests if choice(i, each)}
        transaction.set_rollback(True)
    return found


@pytest.fixture
def quiet() -> Iterator[None]:
    """Disable logging during thousands of requests."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def harmless(world: World, quiet: None) -> dict[str, Structure]:
    if not _harmless:
        _harmless.update(structures(world, HARMLESS, lambda i, request: True))
    return _harmless


def test_every_text_that_somebody_can_write_is_written(world: World, quiet: None) -> None:
    """A new field is found by itself, or named here."""
    stage = stage_of(world)

    write_everywhere(stage, HARMLESS)

    missing = text_fields() - stage.written - set(WRITTEN_OTHERWISE)
    assert not missing, f"write_everywhere of tests/markdown/hostile.py omits {sorted(missing)}"
    assert set(WRITTEN_OTHERWISE) <= text_fields() - stage.written


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_text_in_every_field_changes_the_structure_of_no_markdown_page(
    world: World, harmless: dict[str, Structure], number: int
) -> None:
    def is_due(index: int, request: PageRequest) -> bool:
        is_shown = harmless[request.name]["status"] in (200, 422) or request.is_echo
        period = request.period if is_shown else FEW
        return request.kind != HTML and (index + number) % period == 0

    assert_unchanged(structures(world, HOSTILE[number], is_due), harmless)


@pytest.mark.parametrize("number", range(len(PACKS)))
def test_texts_in_every_field_change_the_structure_of_no_html_page(
    world: World, harmless: dict[str, Structure], number: int
) -> None:
    def is_shown(index: int, request: PageRequest) -> bool:
        return request.kind == HTML and harmless[request.name]["status"] in (200, 422)

    assert_unchanged(structures(world, PACKS[number], is_shown), harmless)


def assert_unchanged(found: dict[str, Structure], harmless: dict[str, Structure]) -> None:
    assert len(found) > 60
    changed = {name: seen for name, seen in found.items() if seen != harmless[name]}
    assert not changed, differences(changed, harmless)


def differences(changed: dict[str, Structure], harmless: dict[str, Structure]) -> list[str]:
    return [
        f"{name}: {part}: {difference(value, seen.get(part))}"
        for name, seen in changed.items()
        for part, value in harmless[name].items()
        if seen.get(part) != value
    ]


def difference(before: Any, after: Any) -> str:
    if isinstance(before, Counter) and isinstance(after, Counter):
        return f"lost {dict(before - after)}, has also {dict(after - before)}"
    return f"was {before}, is {after}"


@pytest.mark.postgres
@pytest.mark.parametrize("text", UNSTORABLE, ids=ascii)
def test_a_text_that_cannot_be_stored_is_refused_by_every_form(
    world: World, quiet: None, text: str
) -> None:
    stage = stage_of(world)

    for path, form in refused_forms(text).items():
        for client in (stage.browser, stage.program):
            answer = client.post(path, form, headers={"host": "garden.localhost"})
            assert answer.status_code == 422, (path, answer.status_code)
