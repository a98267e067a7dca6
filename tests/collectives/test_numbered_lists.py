"""Numbered lists: a page number that does not exist gives the nearest page."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, Answer, on

PATHS = (
    f"{KITCHEN}/members",
    f"{KITCHEN}/invite",
    "{note}",
    "/collectives",
    "/ai-agents",
    "/tenant-admin/users",
    "/u/alice/settings/tokens",
)


@pytest.mark.rule("lists.past-the-end")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("number", ["2", "-1", "x"])
def test_a_page_that_does_not_exist_is_answered_with_the_nearest(call, note_path, path, number):
    path = path.format(note=note_path("Knife care"))
    alice = call("alice")

    # In the demo world each of these lists has one page.
    first, asked = alice.get(path), alice.get(f"{path}?page={number}")

    assert linked(asked.assert_done()) == linked(first.assert_done())


def linked(answer: Answer) -> list[str]:
    """Return the people and collectives that a page links."""
    return re.findall(r"/(?:u|collectives)/[\w-]+(?=[\")])", answer.text)
