"""The parameter `fields` of lists."""

from __future__ import annotations

import pytest

from tests.rest.conftest import BASE, KITCHEN, error_of

LISTS = {
    f"{KITCHEN}/notes": "title",
    f"{BASE}/collectives": "name",
    f"{BASE}/collectives/kitchen/members": "handle",
    f"{BASE}/users": "handle",
    f"{BASE}/users/me/tokens": "name",
}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_the_chosen_keys_and_the_id(alice, path):
    key, whole = LISTS[path], alice.get(path).json()

    chosen = alice.get(path, fields=key)

    assert chosen.status_code == 200
    assert chosen.json() == [{"id": row["id"], key: row[key]} for row in whole]


def test_comments_have_the_chosen_keys(alice, note_id):
    path = f"{KITCHEN}/notes/{note_id('Knife care')}/comments"
    alice.post(path, {"text": "Ten strokes."})

    assert set(alice.get(path, fields="text").json()[0]) == {"id", "text"}


@pytest.mark.parametrize("path", LISTS)
def test_unknown_key_is_refused_with_the_known_ones(alice, path):
    response = alice.get(path, fields=f"{LISTS[path]},colour")

    assert error_of(response, 400).startswith("fields must be one of: id, ")
    assert response.json()["code"] == "invalid"


@pytest.mark.parametrize("fields", ["", " , "])
def test_empty_fields_mean_all_keys(alice, fields):
    path = f"{KITCHEN}/notes"

    assert alice.get(path, fields=fields).json() == alice.get(path).json()


def test_an_included_list_can_be_chosen(alice):
    rows = alice.get(f"{KITCHEN}/notes", include="comments", fields="comments").json()

    assert {frozenset(row) for row in rows} == {frozenset({"id", "comments"})}


def test_fields_are_part_of_the_etag(alice):
    path = f"{KITCHEN}/notes"
    tags = {alice.get(path, fields=keys)["ETag"] for keys in ("title", "text", "title,text", "")}
    tag = alice.get(path, fields="title")["ETag"]

    assert len(tags) == 4
    assert alice.get(path, {"If-None-Match": tag}, fields="title").status_code == 304
    assert alice.get(path, {"If-None-Match": tag}, fields="text").status_code == 200


def test_the_next_page_has_the_same_keys(alice):
    path = f"{KITCHEN}/notes"
    first = alice.get(path, fields="title", limit=1)

    following = first["Link"].partition("<")[2].partition(">")[0]

    assert "fields=title" in following
    rows = alice.client.get(following.removeprefix("http://garden.localhost")).json()
    assert set(rows[0]) == {"id", "title"}


def test_list_of_twenty_titles_has_at_most_60_tokens_a_row(alice):
    for number in range(20):
        alice.post(f"{KITCHEN}/notes", {"title": f"Note {number}", "text": "word " * 400})

    rows = alice.get(f"{KITCHEN}/notes", fields="truncated_id,title,last_activity_at", limit=20)

    assert len(rows.json()) == 20
    assert len(rows.content) / 4 / 20 <= 60
