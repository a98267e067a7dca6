"""Paths of pages inside collectives."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from harmonic.kernel.registry import path_to


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", "/n/7f3a"),
        ("/collectives/kitchen", "/collectives/kitchen/n/7f3a"),
        ("/workspace/ab12", "/workspace/ab12/n/7f3a"),
    ],
)
def test_url_adds_the_prefix_of_the_collective(place: str, expected: str):
    assert path_to("notes.show", place, note_id="7f3a") == expected


def test_url_escapes_route_parameters():
    assert path_to("people.show", handle="a b?") == "/u/a%20b%3F"


@pytest.mark.parametrize(("place", "expected"), [("", "/"), ("/collectives/kitchen",) * 2])
def test_url_of_a_places_own_page_has_no_trailing_slash(place: str, expected: str):
    assert path_to("collectives.show", place) == expected


def test_url_of_an_unknown_page_raises():
    with pytest.raises(KeyError):
        path_to("no.such.page", "/collectives/kitchen")


def test_the_tag_returns_the_path_of_a_page_or_of_its_action():
    class Place:
        path = "/collectives/kitchen"

    page = Template('{% place_url place "collectives.members" %}')
    action = Template('{% place_url place "notes.new" "create_note" %}')
    context = Context({"place": Place()})

    assert page.render(context) == "/collectives/kitchen/members"
    assert action.render(context) == "/collectives/kitchen/note/actions/create_note"
