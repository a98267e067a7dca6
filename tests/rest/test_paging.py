"""Pagination of all lists: limit, cursor and links (RFC 8288)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.rest.conftest import BASE, KITCHEN, error_of

LISTS = ["notes", "comments", "collectives", "members", "users", "tokens"]


@pytest.fixture
def lists(alice, note_id):
    """The path of each list, filled with at least five rows."""
    note = f"{KITCHEN}/notes/{note_id('Welcome to the kitchen')}"
    for number in range(5):
        alice.post(f"{note}/comments", {"text": f"Comment {number}"})
        alice.post(f"{KITCHEN}/notes", {"text": f"Note {number}"})
        alice.post(f"{BASE}/users/me/tokens", {"name": f"T{number}", "scopes": ["read:all"]})
        alice.post(f"{BASE}/collectives", {"name": f"C{number}", "handle": f"c-{number}"})
    return {
        "notes": f"{KITCHEN}/notes",
        "comments": f"{note}/comments",
        "collectives": f"{BASE}/collectives",
        "members": f"{BASE}/collectives/garden/members",
        "users": f"{BASE}/users",
        "tokens": f"{BASE}/users/me/tokens",
    }


def links(response: Any) -> dict[str, str]:
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', response["Link"])}


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()]


def follow(alice: Any, url: str) -> Any:
    assert url.startswith("http://garden.localhost/")
    return alice.get(url.removeprefix("http://garden.localhost"))


@pytest.mark.parametrize("name", LISTS)
def test_list_is_paginated_in_both_directions(alice, lists, name):
    whole = ids(alice.get(lists[name]))
    assert len(whole) >= 4

    pages = [alice.get(lists[name], limit=2)]
    while "next" in links(pages[-1]):
        pages.append(follow(alice, links(pages[-1])["next"]))
    back = [pages[-1]]
    while "prev" in links(back[-1]):
        back.append(follow(alice, links(back[-1])["prev"]))

    assert [each for page in pages for each in ids(page)] == whole
    assert [ids(page) for page in back] == [ids(page) for page in reversed(pages)]
    assert "prev" not in links(pages[0])
    assert ids(follow(alice, links(back[0])["first"])) == whole[:2]


@pytest.mark.parametrize("name", LISTS)
def test_next_works_after_prev(alice, lists, name):
    first = alice.get(lists[name], limit=2)
    second = follow(alice, links(first)["next"])
    again = follow(alice, links(second)["prev"])

    assert ids(again) == ids(first)
    assert ids(follow(alice, links(again)["next"])) == ids(second)


@pytest.mark.parametrize("name", LISTS)
def test_total_is_counted_only_on_request(alice, lists, name):
    whole = alice.get(lists[name])

    assert "X-Total-Count" not in whole
    assert alice.get(lists[name], limit=1, count="true")["X-Total-Count"] == str(len(ids(whole)))


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=x", "count=maybe"])
def test_invalid_values_are_named(alice, lists, name, query):
    response = alice.get(f"{lists[name]}?{query}")

    assert error_of(response, 400).startswith(query.partition("=")[0])


@pytest.mark.parametrize("rel", ["next", "prev"])
def test_cursor_is_bound_to_its_list(alice, lists, rel):
    second = follow(alice, links(alice.get(lists["notes"], limit=2))["next"])
    cursor = re.findall(r"cursor=([^&]+)", links(second)[rel])[0]

    for name in set(LISTS) - {"notes"}:
        assert alice.get(f"{lists[name]}?cursor={cursor}").status_code == 400


def test_cursor_is_bound_to_its_tenant(rest):
    here, there = rest("alice"), rest("alice", tenant="summit")
    where = links(here.get(f"{BASE}/users", limit=1))["next"].partition("garden.localhost")[2]

    assert follow(here, f"http://garden.localhost{where}").status_code == 200
    assert there.get(where).status_code == 400


def test_new_rows_cause_no_duplicates(alice, lists):
    first = alice.get(lists["notes"], limit=3)
    alice.post(lists["notes"], {"text": "Meanwhile"})
    second = follow(alice, links(first)["next"])

    assert not set(ids(first)) & set(ids(second))
    assert ids(follow(alice, links(second)["prev"])) == ids(first)
