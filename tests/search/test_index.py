"""The search index matches the items after every write (content §20.1)."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection, transaction

from collectives.decisions.models import Option
from collectives.items.kinds import kind_named
from collectives.items.models import Item
from collectives.notes.models import Note
from collectives.search.index.folding import fold
from collectives.search.index.grams import BUCKETS, grams_in, grams_of
from collectives.search.models import SearchEntry
from tests.fixtures.rows import KITCHEN, change
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller
from tests.search.searching import decide, found, write

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def stored() -> dict[str, tuple[str, str]]:
    rows = SearchEntry.unscoped.values_list("item__truncated_id", "title", "words")
    return {short: (title, words) for short, title, words in rows}


def stored_tokens() -> dict[str, set[str]]:
    rows = SearchEntry.unscoped.values_list("item__truncated_id", "grams")
    return {short: set(tokens.split()) for short, tokens in rows}


def expected() -> dict[str, tuple[str, str]]:
    """Return the entries that all items should have."""
    entries = {}
    for item in Item.unscoped.filter(deleted_at=None):
        row = kind_named(item.kind).model.unscoped.get(pk=item.pk)
        options = Option.unscoped.filter(decision=item.pk).order_by("created_at", "id")
        parts = [row.title, row.opening, *(option.title for option in options)]
        text = "\n".join(part for part in parts if part)
        entries[item.truncated_id] = (fold(row.title), fold(text))
    return entries


def assert_in_step() -> None:
    assert stored() == expected()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO search_grams(search_grams) VALUES ('integrity-check')")


def test_every_item_of_the_demo_world_has_an_entry(world):
    assert len(stored()) > 20
    assert_in_step()


def test_the_index_follows_every_write(world):
    bob = Caller(REST, "bob")
    note, decision = write("Zanzibar"), decide("Zanzibar?", "Yes", "Perhaps")
    options = f"{KITCHEN}/api/v1/decisions/{decision}/options"
    first, second = (row["id"] for row in bob.client.get(options).json())
    assert_in_step()

    bob.client.patch(f"{options}/{first}", {"title": "Pemba"}, content_type="application/json")
    assert (found("pemba"), found("zanzibar yes")) == ([decision], [])
    bob.client.delete(f"{options}/{second}")
    assert found("perhaps zanzibar") == []
    bob.act("update_note", f"{KITCHEN}/n/{note}", text="Mafia Island").assert_done()
    assert found('"mafia island"') == [note]
    assert_in_step()

    bob.act("delete_note", f"{KITCHEN}/n/{note}").assert_done()
    assert note not in stored()
    bob.act("restore_note", f"{KITCHEN}/n/{note}").assert_done()
    assert found('"mafia island"') == [note]
    assert_in_step()

    bob.client.patch(
        f"{KITCHEN}/api/v1/decisions/{decision}", {"question": "Where?"}, "application/json"
    )
    assert found("pemba where") == [decision]
    bob.act("close_decision", f"{KITCHEN}/d/{decision}", final_statement="Comoros").assert_done()
    assert len(found("comoros subtype:statement")) == 1
    assert_in_step()


def test_a_dry_run_and_a_refusal_leave_no_entry(world):
    before = stored()
    bob = Caller(MARKDOWN, "bob")

    bob.act("create_note", KITCHEN, text="Zanzibar", dry_run=True).assert_done()
    bob.act("create_note", KITCHEN, text="Zanzibar", title="x" * 1001).assert_refused(422)
    with transaction.atomic():
        write("Zanzibar")
        transaction.set_rollback(True)

    assert stored() == before
    assert found("zanzibar") == []


def test_deleting_an_item_permanently_deletes_its_entry(world):
    note = write("Zanzibar")

    Note.unscoped.get(truncated_id=note).delete()

    assert note not in stored()
    assert_in_step()


def test_a_write_of_other_columns_does_not_write_the_index(world, django_assert_num_queries):
    note = Note.unscoped.get(truncated_id=write("Zanzibar"))
    change(SearchEntry.unscoped.get(item=note), words="untouched")

    bob = Caller(HTML, "bob")
    bob.act("pin_note", f"{KITCHEN}/n/{note.truncated_id}").assert_done()
    bob.act("confirm_read", f"{KITCHEN}/n/{note.truncated_id}").assert_done()

    assert stored()[note.truncated_id][1] == "untouched"


def test_the_migration_indexes_existing_items(world):
    decide("Zanzibar?", "Yes", "Perhaps")
    before, tokens = stored(), stored_tokens()
    SearchEntry.unscoped.all().delete()

    import_module("collectives.search.migrations.0001_index").fill(apps, None)
    editor = SimpleNamespace(connection=connection)
    import_module("collectives.search.migrations.0002_facets").add_facets(apps, editor)

    assert (stored(), stored_tokens()) == (before, tokens)
    assert_in_step()
    assert len(found("zanzibar perhaps")) == 1


def test_the_longest_text_has_a_bounded_number_of_grams():
    text = "".join(chr(0x4E00 + at % 20_000) + chr(0x61 + at % 26) for at in range(500_000))

    grams = grams_of(text)

    assert len(grams) <= BUCKETS
    assert grams_in(text[1000:1010]) <= grams
    assert grams_in(text[7]) <= grams


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Crème BRÛLÉE", "creme brulee"),
        ("Creme\u0301", "creme"),
        ("İstanbul ışık I", "istanbul isik i"),
        ("STRASSE straße", "strasse strasse"),
        ("Ἀθῆναι", "αθηναι"),
        ("Ёлка й", "елка и"),
        ("が か 한국", "が か 한국"),
        ("हिन्दी", "हिन्दी"),
        ("a\u0301\u0301", "a"),
    ],
)
def test_accents_and_case_are_folded(text, folded):
    assert fold(text) == folded
    assert fold(folded) == folded
