"""Threads are paged, and their pages stay small."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.utils import timezone

from collectives.notes import threads
from collectives.notes.models import Note
from harmonic.kernel.rendering.text import HTML_LIMIT
from tests.limits.conftest import KITCHEN, MEGABYTE, REST, Write, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_cache")]

HEAVY = "| a | b |\n|---|---|\n" + "| x | y |\n" * 9_700
# The three formats of a page: HTML, Markdown, and Markdown with full texts.
FORMS = ["", ".md", ".md?full_text=true"]


def path_of(note: Note) -> str:
    return f"{KITCHEN}/n/{note.truncated_id}"


def reader(form: str, page: Any, api: Any) -> Any:
    return api("bob") if form else page("bob")


def pages_of(client: Any, path: str) -> list[str]:
    """Return the pages of a thread, following its links."""
    shown = []
    while path:
        response = client.get(path)
        assert response.status_code == 200
        shown.append(response.content.decode())
        found = re.search(r'href="([^"]*)">More comments|\[More comments\]\(([^)]*)\)', shown[-1])
        path = (found[1] or found[2]).replace("&amp;", "&") if found else ""
    return shown


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"Comment (\d+)", text)]


@pytest.mark.meets("comments on a page of a thread")
@pytest.mark.parametrize("form", FORMS)
def test_a_thread_is_paged_by_fifty_in_order(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    comment_on(note, 120)

    shown = pages_of(reader(form, page, api), path_of(note) + form)

    assert [len(numbers_in(each)) for each in shown] == [50, 50, 20]
    assert [number for each in shown for number in numbers_in(each)] == list(range(120))
    assert all("Comments (120)" in each for each in shown)
    assert "First comments" not in shown[0]
    assert "First comments" in shown[1]


@pytest.mark.parametrize("form", FORMS)
def test_fifty_comments_are_one_page(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    comment_on(note, 50)

    assert len(pages_of(reader(form, page, api), path_of(note) + form)) == 1


@pytest.mark.parametrize("form", FORMS)
def test_further_replies_are_on_the_page_of_their_comment(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    (top,) = comment_on(note, 1, "The first")
    comment_on(note, 80, to=top, at=1)
    comment_on(note, 1, "The last", at=100)
    client = reader(form, page, api)

    shown = pages_of(client, path_of(note) + form)

    assert numbers_in(shown[0]) == list(range(49))
    assert "31 more replies" in shown[0]
    assert "The last" not in shown[0]
    assert "The last" in shown[1]
    below = pages_of(client, path_of(top) + form)
    assert [number for each in below for number in numbers_in(each)] == list(range(80))


def test_replies_to_a_deleted_comment_are_on_its_page(
    note: Note, comment_on: Write, page: Any
) -> None:
    (top,) = comment_on(note, 1, "Secret")
    comment_on(note, 60, to=top, at=1)
    Note.unscoped.filter(id=top.id).update(deleted_at=top.created_at)
    bob = page("bob")

    shown, below = pages_of(bob, path_of(note)), pages_of(bob, path_of(top))

    assert "11 more replies" in shown[0]
    assert [number for each in below for number in numbers_in(each)] == list(range(60))
    assert not any("Secret" in each for each in [*shown, *below])


# --- Long and deep threads ------------------------------------------------------------------

MANY = 620
# Of a chain, each page links the replies of its first comment, so that there is a page for each.
DEPTH = 170
MORE = re.compile(r'href="([^"#]*)[^"]*">(\d+) more repl|\[(\d+) more repl\w+\]\(([^)#]*)')
NEXT = re.compile(
    r'href="([^"#]*)[^"]*">More comments</a> \((\d+)\)|\[More comments\]\(([^)#]*)[^)]*\) \((\d+)\)'
)


def chain(root: Note, first: Note, count: int) -> None:
    """Write a chain of `count` replies below `first`."""
    rows, answered = [], first
    for number in range(count):
        answered = row_of(root, f"Comment {number}", number + 1, answered)
        rows.append(answered)
    Note.unscoped.bulk_create(rows)


def reached(client: Any, path: str) -> list[int]:
    """Return the numbers of all comments reachable by the links of a thread's pages.

    Each page must say how many comments there are behind each of its links.
    """
    response = client.get(path.replace("&amp;", "&"))
    assert response.status_code == 200
    text = response.content.decode()
    found = numbers_in(text)
    for more in MORE.finditer(text):
        below = reached(client, more[1] or f"{more[4]}.md")
        # A comment's page repeats the replies shown above its link.
        assert len(set(below) - set(found)) == int(more[2] or more[3])
        found.extend(below)
    for following in NEXT.finditer(text):
        found.extend(reached(client, following[1] or following[3]))
    return found


@pytest.mark.postgres
@pytest.mark.parametrize("form", FORMS[:2])
@pytest.mark.parametrize("shape", ["wide", "deep", "flat"])
def test_links_lead_to_every_comment_of_a_long_thread(
    note: Note, comment_on: Write, page: Any, api: Any, form: str, shape: str
) -> None:
    (first,) = comment_on(note, 1, "The first")
    if shape == "wide":
        comment_on(note, MANY, to=first, at=1)
    elif shape == "deep":
        chain(note, first, DEPTH)
    else:
        comment_on(note, MANY, at=1)
    comment_on(note, 3, "The last {}", at=MANY + 20)
    client, count = reader(form, page, api), DEPTH if shape == "deep" else MANY

    assert set(reached(client, path_of(note) + form)) == set(range(count))


@pytest.mark.parametrize("form", FORMS[:2])
def test_replies_to_several_comments_are_counted_for_each(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    tops = comment_on(note, 3, "Top {}")
    for top in tops:
        comment_on(note, MANY, "Reply", to=top, at=10)
    client = reader(form, page, api)

    shown = pages_of(client, path_of(note) + form)

    assert len(shown) == 3
    assert all(f"{MANY - 49} more replies" in each for each in shown)
    assert [re.findall(r"More comments.*\((\d)\)", each) for each in shown] == [["2"], ["1"], []]


@pytest.mark.postgres
@pytest.mark.meets("replies counted for a page of a thread")
@pytest.mark.parametrize("form", FORMS[:2])
def test_a_page_counts_a_limited_number_of_replies_and_says_so(
    note: Note,
    comment_on: Write,
    page: Any,
    api: Any,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    (first,) = comment_on(note, 1, "The first")
    comment_on(note, 150, to=first, at=1)
    comment_on(note, 1, "The last", at=200)
    client = reader(form, page, api)

    whole = client.get(path_of(note) + form).content.decode()
    monkeypatch.setattr(threads, "MAX_COUNTED_REPLIES", 100)
    shown = pages_of(client, path_of(note) + form)

    assert "101 more replies" in whole
    assert "At least" not in whole
    assert re.search(r"At least\s+\S*50 more replies", re.sub(r"<a[^>]*>|\[", "", shown[0]))
    assert "This thread is long" in shown[0]
    assert "The last" in shown[1]
    assert "This thread is long" not in shown[1]


def test_every_comment_of_a_long_thread_is_listed_over_rest(
    note: Note, comment_on: Write, api: Any
) -> None:
    (first,) = comment_on(note, 1, "The first")
    comment_on(note, MANY, to=first, at=1)
    bob, path, found = api("bob"), f"{REST}/notes/{first.id}/comments?limit=200", []

    while path:
        answer = bob.get(path)
        found += [number for row in answer.json() for number in numbers_in(row["text"])]
        following = re.search(r'<([^>]*)>; rel="next"', answer.get("Link", ""))
        path = following[1].removeprefix("http://garden.localhost") if following else ""

    assert found == list(range(MANY))


@pytest.mark.parametrize("form", FORMS[:2])
def test_simultaneous_replies_stay_in_their_thread_and_name_their_parent(
    note: Note, comment_on: Write, page: Any, api: Any, world: Any, form: str
) -> None:
    (first,) = comment_on(note, 1, "The first")
    chain(note, first, 20)
    Note.unscoped.filter(root=note.id).update(created_at=first.created_at)
    Note.unscoped.filter(parent=first.id).update(created_by=world.user("alice"))

    text = reader(form, page, api).get(path_of(note) + form).content.decode()

    assert sorted(numbers_in(text)) == list(range(20))
    assert len(re.findall(r"eplying to @alice", text)) == 1
    assert len(re.findall(r"eplying to @", text)) == 19


@pytest.mark.parametrize("form", FORMS[:2])
def test_a_reply_to_a_deleted_reply_stays_and_says_so(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    (first,) = comment_on(note, 1, "The first")
    (gone,) = comment_on(note, 1, "Secret", to=first, at=1)
    comment_on(note, 1, "An answer to it", to=gone, at=2)
    (unanswered,) = comment_on(note, 1, "Secret too", to=first, at=3)
    for each in (gone, unanswered):
        Note.unscoped.filter(id=each.id).update(deleted_at=each.created_at)

    text = reader(form, page, api).get(path_of(note) + form).content.decode()

    assert re.search(r"eplying to a deleted comment[^@]*An answer to it", text)
    assert len(re.findall(r"\[deleted\]", text)) == 1
    assert "Secret" not in text


@pytest.mark.parametrize("form", FORMS[:2])
def test_the_comments_of_a_deleted_note_are_on_its_page(
    note: Note, comment_on: Write, page: Any, api: Any, form: str
) -> None:
    comment_on(note, 60)
    Note.unscoped.filter(id=note.id).update(deleted_at=timezone.now())

    shown = pages_of(reader(form, page, api), path_of(note) + form)

    assert [number for each in shown for number in numbers_in(each)] == list(range(60))


def test_a_cursor_of_another_thread_shows_the_first_page(
    note: Note, comment_on: Write, page: Any, world: Any
) -> None:
    comment_on(note, 60)
    bob = page("bob")
    cursor = re.findall(r"cursor=([\w:.-]+)", bob.get(path_of(note)).content.decode())[0]
    other = world.note("Welcome to the kitchen")
    comment_on(other, 60)

    shown = bob.get(f"{path_of(other)}?cursor={cursor}")

    assert shown.status_code == 200
    assert 0 in numbers_in(shown.content.decode())


@pytest.mark.meets("a text in its HTML page")
def test_a_long_comment_is_cut_with_a_link_to_the_full_text(
    note: Note, comment_on: Write, page: Any
) -> None:
    text = "word " * (HTML_LIMIT // 5) + "beyond the cut"
    (comment,) = comment_on(note, 1, text)
    bob = page("bob")

    shown = bob.get(path_of(note)).content.decode()
    whole = bob.get(f"{path_of(comment)}?full_text=true").content.decode()

    assert "beyond the cut" not in shown
    assert f'href="{path_of(comment)}?full_text=true">Read the whole text' in shown
    assert "beyond the cut" in whole
    assert "Read the whole text" not in whole


@pytest.mark.parametrize("length", [HTML_LIMIT, HTML_LIMIT + 1])
def test_a_long_note_is_cut_with_a_link_to_the_full_text(
    note: Note, page: Any, api: Any, length: int
) -> None:
    text = "x" * length
    Note.unscoped.filter(id=note.id).update(text=text)
    bob = page("bob")

    shown = bob.get(path_of(note)).content.decode()
    whole = bob.get(f"{path_of(note)}?full_text=true").content.decode()

    assert (text in shown) is (length == HTML_LIMIT)
    assert ("?full_text=true" in shown) is (length > HTML_LIMIT)
    assert text in whole


@pytest.mark.meets("a comment in a Markdown thread", "a text in its Markdown page")
def test_a_comments_markdown_page_has_the_exact_text_and_the_thread_a_part(
    note: Note, comment_on: Write, api: Any
) -> None:
    text = "1. *one*\n\n" + "x" * MEGABYTE
    (comment,) = comment_on(note, 1, text)
    Note.unscoped.filter(id=note.id).update(text=text)
    bob = api("bob")

    for each in (note, comment):
        own = bob.get(f"{path_of(each)}.md?full_text=true").content.decode()
        assert f"```markdown\n{text}\n```" in own
        cut = bob.get(f"{path_of(each)}.md").content.decode()
        assert f"... (showing 9 of {len(text)} characters)" in cut
    thread = bob.get(f"{path_of(note)}.md?full_text=true").content.decode()
    assert len(thread) < MEGABYTE + 2 * HTML_LIMIT
    assert f"Full text: [{path_of(comment)}?full_text=true](" in thread
    assert len(bob.get(f"{path_of(note)}.md").content) < 10_000


@pytest.mark.meets("characters of comments on a page")
def test_a_page_of_five_hundred_heavy_comments_is_small_and_fast(
    note: Note, comment_on: Write, page: Any
) -> None:
    comment_on(note, 500, HEAVY + "{}")
    bob = page("bob")
    first = bob.get(path_of(note))

    started = time.perf_counter()
    again = bob.get(path_of(note))
    seconds = time.perf_counter() - started

    # 5 comments of 20,000 characters each.
    assert again.content.count(b'class="comment"') == threads.TEXT_ON_PAGE // HTML_LIMIT
    assert len(first.content) < 2 * MEGABYTE
    assert seconds < 1
    assert "More comments" in again.content.decode()


def test_long_comments_are_previewed_on_a_markdown_page(
    note: Note, comment_on: Write, api: Any
) -> None:
    comment_on(note, 60, "Comment {} " + "x" * HTML_LIMIT)
    bob = api("bob")

    assert len(numbers_in(bob.get(f"{path_of(note)}.md").content.decode())) == 50
    whole = bob.get(f"{path_of(note)}.md?full_text=true").content.decode()
    assert len(numbers_in(whole)) == threads.TEXT_ON_PAGE // HTML_LIMIT


def test_the_etag_of_a_page_changes_with_the_thread_shown(
    note: Note, comment_on: Write, api: Any
) -> None:
    comments = comment_on(note, 60)
    bob, path = api("bob"), f"{path_of(note)}.md"
    seen = bob.get(path)
    second = re.findall(r"\[More comments\]\(([^)#]*)", seen.content.decode())[0]
    tags = {path: seen["ETag"], second: bob.get(second)["ETag"]}

    def statuses() -> list[int]:
        asked = [bob.get(each, headers={"if-none-match": tags[each]}) for each in tags]
        return [response.status_code for response in asked]

    assert tags[path] != tags[second]
    assert statuses() == [304, 304]
    Note.unscoped.filter(id=comments[55].id).update(text="Another text")
    assert statuses() == [304, 200]
    Note.unscoped.filter(id=comments[5].id).update(text="Another text")
    assert statuses() == [200, 200]
