"""Creating a note on the page that lists the notes."""

from __future__ import annotations

import pytest

from collectives.notes.models import Note
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, Caller
from tests.fixtures.world import make_token, token_client
from tests.markdown.reading import read

pytestmark = pytest.mark.django_db


@pytest.mark.rule("feed.create-here")
@pytest.mark.parametrize("who", ["alice", "scout"])
@pytest.mark.parametrize("where", ["", KITCHEN])
def test_the_page_lists_and_runs_create_note(world, who, where):
    caller = Caller(MARKDOWN, who)

    page = read(caller.get(where or "/").response.content.decode())
    [action] = [each for each in page.fields["actions"] if each["name"] == "create_note"]
    made = caller.client.post(
        action["path"], {"title": "Written here", "text": "x"}, "application/json"
    )

    assert [param["name"] for param in action["params"]] == ["title", "text"]
    assert made.status_code == 200
    note = Note.unscoped.get(title="Written here")
    assert note.collective_id == world.collective("kitchen" if where else "garden").id


@pytest.mark.rule("feed.create-here")
def test_a_workspace_lists_create_note_for_its_owner(world):
    path = f"/workspace/{world.workspace('bob').handle}"

    page = read(Caller(MARKDOWN, "bob").get(path).response.content.decode())

    assert "create_note" in page.actions


@pytest.mark.parametrize("where", ["", KITCHEN])
def test_a_token_that_cannot_write_is_told_why(where):
    client = token_client(make_token("alice", scope="read"))

    text = client.get(where or "/").content.decode()

    assert read(text).actions == []
    assert "This page has no actions." not in text
    assert "No actions here: the token lacks the scope create:notes." in text
    assert "[New note]" not in text


@pytest.mark.parametrize("where", ["", KITCHEN])
def test_the_page_links_the_form_of_a_new_note(where):
    text = Caller(HTML, "alice").get(where or "/").assert_done().text

    assert f'href="{where}/note">New note</a>' in text


@pytest.mark.parametrize("where", ["", KITCHEN])
def test_a_form_that_is_refused_is_shown_again(where):
    answer = Caller(HTML, "alice").client.post(
        f"{where}/actions/create_note", {"title": "Kept title", "text": ""}
    )

    assert answer.status_code == 422
    assert "Kept title" in answer.content.decode()
