"""Query parameters that a page does not have are named, so that no filter is ignored silently."""

from __future__ import annotations

from typing import Any

import pytest

from tests.markdown.reading import read

pytestmark = pytest.mark.django_db

TOKENS = "/u/alice/settings/tokens"
KITCHEN = "/collectives/kitchen"


def notes_of(client: Any, path: str) -> list[str]:
    """Return the lines of a page about query parameters that it does not have."""
    answer = client.get(path)
    assert answer.status_code == 200
    return [
        text
        for text in read(answer.content.decode()).texts
        if text.startswith("Note: this page has")
    ]


@pytest.mark.parametrize(
    ("path", "note"),
    [
        (
            f"{TOKENS}?shwo=expired",
            "this page has no parameter shwo. Did you mean “show”? It has:",
        ),
        (f"{KITCHEN}?limit=5&colour=green", "this page has no parameter limit, colour. It has:"),
        (f"{KITCHEN}/members?pgae=2", "Did you mean “page”?"),
        ("/whoami?since=yesterday", "It has: actions, sections, view."),
        (f"{KITCHEN}/note/actions/create_note?titel=x", "Did you mean “title”?"),
        ("/help/agents?q=x", "this page has no parameter q."),
    ],
)
def test_an_unknown_query_parameter_is_named_in_one_line(api: Any, path: str, note: str) -> None:
    [line] = notes_of(api("alice"), path)

    assert note in line


@pytest.mark.parametrize(
    "path",
    [
        f"{TOKENS}?show=expired&whose=me&page=1",
        f"{KITCHEN}?cursor=&view=brief",
        f"{KITCHEN}/members?page=1&sections=members&actions=none",
        f"{KITCHEN}/note?title=Prefilled",
        f"{KITCHEN}/note/actions/create_note?text=Prefilled",
        "/settings/security?event=&who=&token=&cursor=",
    ],
)
def test_a_known_query_parameter_is_not_named(api: Any, path: str) -> None:
    assert notes_of(api("alice"), path) == []


def test_the_tag_is_that_of_the_page_without_the_note(api: Any) -> None:
    alice = api("alice")

    assert alice.get("/whoami?x=1")["ETag"] == alice.get("/whoami")["ETag"]


def test_a_hostile_name_stays_text(api: Any) -> None:
    path = "/whoami?%23%20Heading%0A%5Bx%5D(https://evil.example)=1"
    plain, hostile = (read(api("alice").get(p).content.decode()) for p in ("/whoami", path))

    assert hostile.headings == plain.headings
    assert hostile.links == plain.links
    assert hostile.fields.keys() == plain.fields.keys()
