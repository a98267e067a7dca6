"""The order of results (content 7.4)."""

from __future__ import annotations

import uuid
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectives.decisions.ranking import (
    ID,
    PREFERRED,
    RANDOM,
    SORT_KEY,
    YES,
    Tally,
    deciding_key,
    ranked,
    sort_key,
)

# title, yes, preferred, random ID: three voters who voted on everything
EXAMPLE = [("Tea", 2, 1, 12), ("Coffee", 2, 1, 504817263), ("Mate", 2, 0, 999), ("Water", 1, 3, 70)]


def tally(title: str, yes: int = 0, preferred: int = 0, random_id: int = 0) -> Tally:
    return Tally(uuid.uuid4(), title, random_id, yes, 3, preferred)


def titles(tallies: list[Tally], randomness: str = "") -> list[str]:
    return [row.tally.title for row in ranked(tallies, randomness)]


def test_the_example_of_the_specification_before_and_after_the_draw() -> None:
    rows = [tally(*row) for row in EXAMPLE]

    assert titles(rows) == ["Coffee", "Tea", "Mate", "Water"]
    assert titles(rows, "deadbeef") == ["Tea", "Coffee", "Mate", "Water"]
    assert [sort_key("deadbeef", title)[:8] for title, *_ in EXAMPLE] == [
        *("6dce8c33", "5e349da9", "82a94cd4", "6ced8f58"),
    ]


def test_a_lottery_is_ordered_by_its_draw_only() -> None:
    entries = [tally(title, random_id=number) for title, _, _, number in EXAMPLE]

    assert titles(entries, "deadbeef") == ["Mate", "Tea", "Water", "Coffee"]
    assert ranked([], "deadbeef") == []


def test_a_tie_break_is_shown_only_if_it_decides() -> None:
    first, second, third, fourth = ranked([tally(*row) for row in EXAMPLE], "deadbeef")

    assert first.tie_break == first.sort_key
    assert second.tie_break == second.sort_key
    assert third.tie_break == fourth.tie_break == ""
    assert first.shown_random_id == "000000012"


@pytest.mark.parametrize("title", ["Cafe\u0301", "Café"])
def test_sort_keys_ignore_the_unicode_form_of_titles(title: str) -> None:
    assert sort_key("00", title) == sort_key("00", "Caf\u00e9")


TALLIES = st.lists(
    st.builds(
        Tally,
        st.uuids(),
        st.text(min_size=1, max_size=3),
        st.integers(0, 2),
        st.integers(0, 2),
        st.just(3),
        st.integers(0, 2),
    ),
    max_size=7,
    unique_by=lambda each: each.option_id,
)


@given(TALLIES, st.sampled_from(["", "deadbeef", "00"]))
def test_every_order_of_options_gives_the_same_results(rows: list[Tally], randomness: str) -> None:
    expected = ranked(rows, randomness)

    assert ranked(rows[::-1], randomness) == expected
    assert [row.position for row in expected] == list(range(1, len(rows) + 1))
    assert {row.tally.option_id for row in expected} == {each.option_id for each in rows}


@given(TALLIES, st.sampled_from(["", "deadbeef"]))
def test_neighbours_are_ordered_by_the_first_key_that_differs(
    rows: list[Tally], randomness: str
) -> None:
    for above, below in pairwise(ranked(rows, randomness)):
        one, other = above.tally, below.tally
        values = {
            YES: (one.accepted_yes, other.accepted_yes),
            PREFERRED: (one.preferred, other.preferred),
            SORT_KEY: (above.sort_key, below.sort_key),
            RANDOM: (one.random_id, other.random_id),
            ID: (-one.option_id.int, -other.option_id.int),
        }
        key = deciding_key(above, below)
        before = list(values)[: list(values).index(key)]
        assert all(values[name][0] == values[name][1] for name in before)
        assert values[key][0] > values[key][1]  # type: ignore[operator]  # of one type each


def test_equal_options_have_a_stable_order() -> None:
    rows = [tally("a"), tally("b"), tally("c")]

    assert len({tuple(titles(list(each))) for each in permutations(rows)}) == 1
