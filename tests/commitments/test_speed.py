"""The number of queries does not depend on the number of commitments or participants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.commitments.rows import propose
from tests.commitments.test_reading import api as rest
from tests.fixtures.rows import KITCHEN
from tests.speed.test_query_budgets import queries

PARTICIPANTS = 200
LIST = f"{KITCHEN}/api/v1/commitments"


@pytest.fixture
def crowded(world: Any, crowd: Callable[[str, int], None]) -> str:
    """Return the path of a commitment with many participants."""
    path = propose(critical_mass=PARTICIPANTS + 1)
    crowd(path, PARTICIPANTS)
    return path


@pytest.mark.parametrize("suffix", ["", "?include=participants"])
def test_a_commitment_over_rest_takes_at_most_four_queries(
    api: Any, crowded: str, suffix: str
) -> None:
    assert len(queries(api("alice"), rest(crowded) + suffix)) <= 4


def test_a_commitments_markdown_by_token_takes_at_most_eight_queries(
    api: Any, crowded: str
) -> None:
    assert len(queries(api("alice"), f"{crowded}.md")) <= 8


def test_a_commitments_page_takes_at_most_ten_queries(page: Any, crowded: str) -> None:
    assert len(queries(page("alice"), crowded)) <= 10


@pytest.mark.parametrize("path", ["{path}/participants.md", "{api}/participants"])
def test_the_participants_take_at_most_eight_queries(api: Any, crowded: str, path: str) -> None:
    shown = path.format(path=crowded, api=rest(crowded))

    assert len(queries(api("alice"), shown)) <= 8


@pytest.mark.parametrize(
    "query", ["", "status=pending", "status=failed", "q=fence", "include=participants"]
)
def test_the_queries_of_a_list_do_not_depend_on_its_length(api: Any, query: str) -> None:
    client = api("alice")
    propose()
    before = len(queries(client, f"{LIST}?{query}"))
    for _ in range(20):
        propose()

    assert len(queries(client, f"{LIST}?{query}")) == before <= 8
