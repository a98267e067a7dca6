"""Hostile text round-trips and stays harmless in HTML, Markdown and JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from tests.markdown.hostile import CONTROLS, TEXTS, TITLES
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db


def write(client: Client, title: str, text: str) -> str:
    """Create a note in the kitchen and return its path."""
    body = json.dumps({"title": title, "text": text})
    answer = client.post(
        "/collectives/kitchen/note/actions/create_note.json", body, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    path: str = answer.json()["resource"]["path"]
    return path


def stored_text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_plain_text_on_the_page_of_the_note_in_markdown(api: Any, title: str) -> None:
    alice = api("alice")
    harmless = read(alice.get(write(alice, "Harmless", "text") + ".md").content.decode())

    document = alice.get(write(alice, title, "text") + ".md").content.decode()

    seen = read(document)
    shown = " ".join(title.replace("\n", " ").split(" ")).strip()
    assert seen.fields["title"] == shown
    assert list(seen.fields) == list(harmless.fields)
    assert seen.actions == harmless.actions
    assert seen.headings == [f"Note: {shown}", *harmless.headings[1:]]
    assert seen.links == harmless.links
    assert seen.kinds == harmless.kinds


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_plain_text_in_the_feed(api: Any, title: str) -> None:
    alice = api("alice")
    before = read(alice.get("/collectives/kitchen.md").content.decode())

    path = write(alice, title, "text")

    after = read(alice.get("/collectives/kitchen.md").content.decode())
    shown = title.replace("\n", " ").strip()
    assert after.headings == before.headings
    assert after.actions == before.actions
    assert after.links.count(path.removeprefix("/collectives/kitchen")) == 1
    assert any(f"Note: {shown} by Alice" in text for text in after.texts)


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_plain_text_in_html(api: Any, page: Any, title: str) -> None:
    path = write(api("alice"), title, "text")

    soup = BeautifulSoup(page("alice").get(path).content, "html.parser")

    shown = title.replace("\n", " ").strip()
    heading = soup.select_one("main h1")
    assert heading is not None
    assert heading.get_text() == shown
    assert soup.title is not None
    assert soup.title.get_text() == f"{shown} · Kitchen Crew · Garden Cooperative"
    assert not heading.find_all(True)
    assert [script["src"] for script in soup.find_all("script")] == [
        script["src"] for script in soup.find_all("script", type="module")
    ]
    assert not soup.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))


@pytest.mark.parametrize(("sent", "stored"), CONTROLS)
def test_controls_and_bidi_overrides_are_removed_from_a_title(
    api: Any, sent: str, stored: str
) -> None:
    alice = api("alice")

    document = alice.get(write(alice, sent, "text") + ".md").content.decode()

    assert read(document).fields["title"] == stored


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_unchanged_in_its_fence_and_nowhere_else(api: Any, text: str) -> None:
    alice = api("alice")
    harmless = read(alice.get(write(alice, "Title", "Harmless") + ".md").content.decode())

    document = alice.get(write(alice, "Title", text) + ".md").content.decode()

    seen = read(document)
    [(info, content)] = seen.fences
    assert info == "markdown"
    assert content.removesuffix("\n") == stored_text(text).removesuffix("\n")
    assert seen.headings == harmless.headings
    assert seen.actions == harmless.actions
    assert seen.links == harmless.links
    assert seen.kinds == harmless.kinds


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_harmless_in_html(api: Any, page: Any, text: str) -> None:
    path = write(api("alice"), "Title", text)

    soup = BeautifulSoup(page("alice").get(path).content, "html.parser")

    prose = soup.select_one("main .prose")
    assert prose is not None
    assert not prose.find_all(["script", "style", "iframe", "form", "input", "object"])
    assert not prose.find_all(lambda tag: any(name.startswith("on") for name in tag.attrs))
    for link in prose.find_all("a"):
        assert str(link["href"]).startswith(("http:", "https:", "mailto:", "/", "#"))
    for image in prose.find_all("img"):
        assert re.match(r"/(?![/\\])", str(image["src"]))


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_round_trips_over_rest(api: Any, text: str) -> None:
    alice = api("alice")

    made = alice.post(
        "/collectives/kitchen/api/v1/notes", json.dumps({"text": text}), "application/json"
    )

    assert made.status_code == 200, made.content
    read_back = alice.get(f"/collectives/kitchen/api/v1/notes/{made.json()['id']}")
    assert read_back.json()["text"] == stored_text(text)


def test_a_million_characters_round_trip_in_every_format(api: Any, page: Any) -> None:
    text = "[" * 1_000_000
    alice = api("alice")

    path = write(alice, "Long", text)

    whole = read(alice.get(path + ".md?full_text=true").content.decode())
    assert whole.fences == [("markdown", text + "\n")]
    cut = alice.get(path + ".md").content.decode()
    assert "... (showing 2000 of 1000000 characters)" in cut
    assert f"To view full content, navigate to: {path}?full_text=true" in cut
    html = page("alice").get(f"{path}?full_text=true")
    assert html.status_code == 200
    assert text in html.content.decode()


def test_a_text_over_the_limit_is_refused_with_the_limit(api: Any) -> None:
    answer = api("alice").post(
        "/collectives/kitchen/note/actions/create_note",
        json.dumps({"text": "x" * 1_000_001}),
        content_type="application/json",
    )

    assert answer.status_code == 422
    assert "text is too long (maximum 1000000 characters)" in answer.content.decode()


@pytest.mark.parametrize("character", ["\x00", "\ufdd0", "\ufffe", "\U0010ffff"])
def test_unstorable_characters_are_refused_with_the_parameter(api: Any, character: str) -> None:
    alice = api("alice")
    body = json.dumps({"title": f"a{character}b", "text": "text"})

    answer = alice.post(
        "/collectives/kitchen/note/actions/create_note", body, content_type="application/json"
    )

    assert answer.status_code == 422
    assert "title contains characters that cannot be stored" in answer.content.decode()


@pytest.mark.parametrize("name", ["]( x", "| pipe |", "<b>Bob</b>", "`tick`", "# Bob", "a\nb"])
def test_a_display_name_is_plain_text_everywhere(api: Any, page: Any, name: str) -> None:
    bob = api("bob")
    renamed = bob.post(
        "/u/bob/settings/actions/update_profile",
        json.dumps({"name": name}),
        content_type="application/json",
    )
    assert renamed.status_code == 200
    shown = name.replace("\n", " ").strip()

    for path in ("/collectives/kitchen/members", "/collectives/kitchen", "/u/bob"):
        document = read(bob.get(path + ".md").content.decode())
        assert any(shown in text for text in document.texts), path
        assert "b" not in {tag.name for tag in main_of(page("alice").get(path))}, path
    nav = read(bob.get("/whoami.md").content.decode())
    assert "/u/bob" in nav.links


def main_of(answer: Any) -> list[Any]:
    main = BeautifulSoup(answer.content, "html.parser").main
    assert main is not None
    return main.find_all(True)
