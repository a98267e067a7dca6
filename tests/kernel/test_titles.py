"""The `<title>` of every HTML page is its heading, then the collective and the tenant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from tests.access.routes import FRONT_DOOR, Route, ids_of, routes
from tests.fixtures.world import BROWSER, World, anonymous_client

pytestmark = pytest.mark.django_db

HTML = {"accept": BROWSER}
# A number, as in "Members (5)" or "(2) Notifications", is not a part of a title or heading.
COUNT = re.compile(r"^\(\d+\) | \(\d+\)$")


def title_and_heading(response: Any, site: str) -> tuple[str, str]:
    page = BeautifulSoup(response.content, "html.parser")
    [title, heading] = page.select("title, h1")
    shown = _text(title).removesuffix(f" · {site}")
    for place in ("Kitchen Crew", "Private Workspace"):
        shown = shown.removesuffix(f" · {place}")
    return COUNT.sub("", shown), COUNT.sub("", _text(heading))


def _text(tag: Tag) -> str:
    for badge in tag.select(".badge"):
        badge.extract()
    return " ".join(tag.get_text().split())


def _paths(world: World, handle: str, urlconf: str = "harmonic.urls") -> Iterator[str]:
    ids = {**ids_of(world), "handle": handle}
    for route in routes():
        if route.urlconf == urlconf and _is_page(route):
            yield route.path(ids)


def _is_page(route: Route) -> bool:
    is_part = route.pattern.endswith(".html")
    return not is_part and (not route.is_api or route.pattern.endswith("docs"))


def _wrong(client: Any, paths: Iterator[str], site: str) -> dict[str, tuple[str, str]]:
    """Return the pages whose title is not their heading."""
    shown = {path: client.get(path, headers=HTML) for path in dict.fromkeys(paths)}
    pages = {
        path: title_and_heading(answer, site)
        for path, answer in shown.items()
        if answer.get("Content-Type", "").startswith("text/html") and answer.content
    }
    assert pages
    return {path: (title, heading) for path, (title, heading) in pages.items() if title != heading}


@pytest.mark.parametrize("handle", ["alice", "bob", "scout"])
def test_the_title_of_every_page_is_its_heading(page: Any, world: World, handle: str) -> None:
    assert _wrong(page("alice"), _paths(world, handle), "Garden Cooperative") == {}


def test_the_title_of_public_pages_is_their_heading(world: World) -> None:
    front = _paths(world, "alice", FRONT_DOOR)

    assert _wrong(anonymous_client(), _paths(world, "alice"), "Garden Cooperative") == {}
    assert _wrong(anonymous_client(""), front, "Harmonic") == {}


def test_a_page_that_is_named_like_the_site_names_it_once() -> None:
    front_door = anonymous_client("").get("/", headers=HTML).content.decode()

    assert "<title>Harmonic</title>" in front_door


def test_the_title_of_a_refused_form_begins_with_error_and_keeps_its_heading(page: Any) -> None:
    alice = page("alice")
    path = "/collectives/kitchen/note"

    before = title_and_heading(alice.get(path, headers=HTML), "Garden Cooperative")
    refused = alice.post(f"{path}/actions/create_note", {"text": ""}, headers=HTML)

    assert refused.status_code == 422
    title, heading = title_and_heading(refused, "Garden Cooperative")
    assert (title, heading) == (f"Error: {before[0]}", before[1])


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/collectives/kitchen", "Kitchen Crew · Garden Cooperative"),
        ("/collectives/kitchen/members", "Members · Kitchen Crew · Garden Cooperative"),
        ("/collectives/kitchen/invite", "Invite to Kitchen Crew · Garden Cooperative"),
        ("/u/alice/settings", "Your Settings · Garden Cooperative"),
    ],
)
def test_the_title_of_a_page_names_its_collective_once(page: Any, path: str, title: str) -> None:
    assert f"<title>{title}</title>" in page("alice").get(path, headers=HTML).content.decode()


def test_the_title_of_a_refusal_does_not_name_a_collective_of_others(page: Any) -> None:
    refused = page("bob").get("/collectives/board/members", headers=HTML, follow=True)
    assert "<title>Join Board Room · Garden Cooperative</title>" in refused.content.decode()
