"""Recognised links in a text (content §11)."""

from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from collectives.links.texts import MAX_LINKS, Address, Site, addresses_in, may_have_links

KITCHEN, MAIN = Site("garden", "kitchen"), Site("garden", None)
LONG = "3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90"
URL = "http://garden.localhost:8000"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{URL}/collectives/kitchen/n/3f0c7a52", ["Note 3f0c7a52"]),
        (f"x{URL}/collectives/kitchen/n/3f0c7a52#comments", ["Note 3f0c7a52"]),
        (f"<{URL}/collectives/kitchen/d/3f0c7a52>", ["Decision 3f0c7a52"]),
        (f"{URL}/workspace/kitchen/c/{LONG}/settings", [f"Commitment {LONG}"]),
        ("http://garden.localhost/collectives/kitchen/n/3f0c7a52", ["Note 3f0c7a52"]),
        (f"[a]({URL}/collectives/kitchen/n/3f0c7a52?x=1)", ["Note 3f0c7a52"]),
        ("[a](/collectives/kitchen/n/3f0c7a52)", ["Note 3f0c7a52"]),
        ("[a](/workspace/kitchen/n/3f0c7a52)", ["Note 3f0c7a52"]),
        ('[a](/collectives/kitchen/n/3f0c7a52 "title")', []),
        ("[a](/collectives/kitchen/n/3f0c7a52?x=1)", []),
        ("[a](/collectives/kitchen/n/3f0c7a52#x)", []),
        ("[a]( /collectives/kitchen/n/3f0c7a52)", []),
        ("/collectives/kitchen/n/3f0c7a52", []),
        ("[a](/n/3f0c7a52)", []),
        ("[a](/collectives/board/n/3f0c7a52)", []),
        ("[a](/collectives/Kitchen/n/3f0c7a52)", []),
        ("[a](/collectives/kitchen/x/3f0c7a52)", []),
        ("https://garden.localhost:8000/collectives/kitchen/n/3f0c7a52", []),
        ("http://harbor.localhost:8000/collectives/kitchen/n/3f0c7a52", []),
        ("http://garden.localhost.example.com/collectives/kitchen/n/3f0c7a52", []),
        ("http://gardenxlocalhost/collectives/kitchen/n/3f0c7a52", []),
        (
            f"[a](/collectives/kitchen/n/00000001) {URL}/collectives/kitchen/n/00000002"
            f" {URL}/collectives/kitchen/n/00000002",
            ["Note 00000002", "Note 00000001"],
        ),
    ],
)
def test_urls_count_anywhere_and_paths_as_whole_targets(text: str, found: list[str]):
    assert [" ".join(each) for each in addresses_in(text, KITCHEN)] == found


def test_items_of_the_main_collective_are_at_the_root():
    text = f"[a](/n/00000001) {URL}/d/00000002 [b](/collectives/garden/n/00000003)"

    assert addresses_in(text, MAIN) == (
        Address("Decision", "00000002"),
        Address("Note", "00000001"),
    )


@override_settings(IS_PRODUCTION=True, HOST="example.org")
def test_in_production_urls_have_https():
    text = "https://garden.example.org/n/00000001 http://garden.example.org/n/00000002"

    assert addresses_in(text, MAIN) == (Address("Note", "00000001"),)


@pytest.mark.meets("items that a text links to")
def test_at_most_two_hundred_links_in_a_text_count():
    text = "".join(f"[a](/n/{number:08})" for number in range(MAX_LINKS + 1))

    assert len(addresses_in(text, MAIN)) == MAX_LINKS == 200


@given(st.text(st.sampled_from("[](/ncd)0123456789abcdef-:.htpgarden localhost"), max_size=200))
def test_a_text_with_links_is_never_skipped(text: str):
    assert may_have_links(text) or not any(
        len(each.item_id) >= 8 for each in addresses_in(text, MAIN)
    )
