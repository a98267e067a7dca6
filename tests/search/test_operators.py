"""The results of search operators (content §20.3, §25.5, §25.9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from collectives.items.models import Item
from collectives.search.index.folding import fold
from collectives.search.language.grammar import parse
from harmonic.kernel.refusals import Invalid
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import REST, Caller
from tests.search.searching import answer_of, commit, decide, found, write
from tests.search.test_grammar import TEXTS

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

NOW = timezone.now()


def move(short: str, **values: datetime) -> str:
    Item.unscoped.filter(truncated_id=short).update(**values)
    return short


# --- Text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "q", "is_found"),
    [
        ("Zanzibar spice", "zanz", True),
        ("Zanzibar spice", "SPICE zanzibar", True),
        ("Zanzibar spice", "zanzibar sugar", False),
        ("Zanzibar spice", '"zanzibar spice"', True),
        ("Zanzibar spice", '"spice zanzibar"', False),
        ("Zanzibar  spice", '"zanzibar spice"', False),
        ("Zanzibar spice", "zanzibar -spice", False),
        ("Zanzibar spice", 'zanzibar -"spice za"', True),
        ("Zanzibar 100%", 'zanzibar "100%"', True),
        ("Zanzibar 1000", 'zanzibar "100%"', False),
        ("Zanzibar a_b", "zanzibar a_b", True),
        ("Zanzibar axb", "zanzibar a_b", False),
        (r"Zanzibar c:\temp", r"zanzibar c:\temp", True),
        ("Zanzibar say 'hi' \"you\"", "zanzibar 'hi' \"you", True),
        ("Zanzibár CRÈME", "zanzibar creme", True),
        ("Zanzibar creme", "zanzibár CRÈME", True),
        ("Zanzibar İIıi", "zanzibar iiii", True),
        ("Zanzibar 東京タワー", "zanzibar 京タ", True),
        ("Zanzibar が", "zanzibar か", False),
        ("Zanzibar x", "zanzibar x", True),
        ("Zanzibar", "zanzibar x", False),
    ],
)
def test_every_word_is_part_of_the_text_without_case_and_accents(text, q, is_found):
    short = write("A note", text)

    assert found(q) == ([short] if is_found else [])


def test_titles_texts_and_options_are_found(world):
    note = write("Zanzibar", "Pemba")
    decision = decide("Where to?", "Zanzibar", "Mafia Island", description="Pemba too")
    commitment = commit("Pack for Zanzibar", description="Pemba later")
    bob = Caller(REST, "bob")
    comment = bob.act("add_comment", f"{KITCHEN}/n/{note}", text="Zanzibar and Pemba").json

    everything = {note, decision, commitment, comment["truncated_id"]}
    assert set(found("zanzibar")) == set(found("pemba")) == everything
    assert found('"mafia island"') == [decision]


HAYSTACK = 'Ünïcode “quotes” "plain" a-b_c%d\\e f\'g ½ ẞ ﬁ 東京 🎉 type:note -x'


@given(st.integers(0, len(HAYSTACK) - 1), st.integers(1, 8), st.sampled_from(["", "q", "ñ"]))
@hypothesis_settings(max_examples=40)
def test_the_index_finds_what_the_text_contains(start, length, more):
    term = (HAYSTACK[start : start + length] + more).replace('"', "")
    short = Item.unscoped.filter(title="Haystack").values_list("truncated_id", flat=True).first()
    short = short or write("Haystack", HAYSTACK)
    wanted = fold(term)

    is_found = short in found(f'"{term}" creator:bob')

    assert is_found == (wanted in fold(f"Haystack\n{HAYSTACK}")) or not term.strip()


@given(TEXTS)
@hypothesis_settings(max_examples=60)
def test_any_search_gets_a_response(text):
    try:
        parse(text)
        expected = 200
    except Invalid:
        expected = 400

    # Other characters are refused by the middleware, or normalised to spaces.
    if text.isprintable():
        assert answer_of("rest", "alice", text).status_code == expected


# --- Place and type -------------------------------------------------------------------------


def test_visibility_depends_on_the_collective(world):
    public, shared = write("Zanzibar", where=""), write("Zanzibar")
    private = write("Zanzibar", where=f"/workspace/{world.workspace('bob').handle}")

    def seen(q: str) -> set[str]:
        return set(found(f"zanzibar {q}", "bob"))

    for key in ("visibility", "scope"):
        assert seen(f"{key}:public") == {public}
        assert seen(f"{key}:shared") == {shared}
        assert seen(f"{key}:private") == {private}
        assert seen(f"{key}:public,private") == {public, private}
        assert seen(f"{key}:public,private -{key}:public") == {public, private}
        assert seen(f"{key}:public,private,shared") == {public, shared, private}
        assert seen(f"-{key}:public") == {shared, private}
        assert seen(f"-{key}:public -{key}:private") == {shared}
    assert seen("collective:main") == {public}
    assert seen("collective:kitchen collective:MAIN") == {public}


def test_types_and_subtypes_are_alternatives(world):
    note, decision = write("Zanzibar"), decide("Zanzibar?")
    commitment = commit("Zanzibar!")
    comment = Caller(REST, "bob").act("add_comment", f"{KITCHEN}/n/{note}", text="zanzibar").json
    said = comment["truncated_id"]

    for q, expected in {
        "type:note": {note, said},
        "type:n,d": {note, said, decision},
        "type:note type:c": {note, said, commitment},
        "-type:n": {decision, commitment},
        "type:decision -type:note": {decision},
        "type:n -type:n": set(),
        "subtype:comment": {said},
        "-subtype:comment": {note, decision, commitment},
        "subtype:post,vote": {note, decision},
        "subtype:lottery": set(),
    }.items():
        assert set(found(f"zanzibar {q}")) == expected, q


def test_status_depends_on_the_deadline_and_a_negation_takes_precedence(world):
    closed, opened = write("Zanzibar"), decide("Zanzibar?")

    assert found("zanzibar status:open") == found("zanzibar -status:closed") == [opened]
    assert found("zanzibar status:closed") == found("zanzibar -status:open") == [closed]
    assert found("zanzibar status:open -status:open") == [closed]


# --- People ---------------------------------------------------------------------------------


def test_people_are_found_by_what_they_did(world):
    alice, bob = Caller(REST, "alice"), Caller(REST, "bob")
    note = write("Zanzibar", "Ask @alice")
    mine = write("Zanzibar", handle="alice")
    said = bob.act("add_comment", f"{KITCHEN}/n/{mine}", text="zanzibar").json["truncated_id"]
    decision, commitment = decide("Zanzibar?", "Yes"), commit("Zanzibar!", 2)
    alice.act("confirm_read", f"{KITCHEN}/n/{note}").assert_done()
    alice.act("join_commitment", f"{KITCHEN}/c/{commitment}").assert_done()
    votes = [{"option_title": "Yes", "accept": True}]
    voted = alice.client.post(
        f"{KITCHEN}/d/{decision}/actions/vote", {"votes": votes}, content_type="application/json"
    )
    assert voted.status_code == 200, voted.content
    others = {note, said, decision, commitment}

    for q, expected in {
        "creator:@ALICE": {mine},
        "-creator:alice": others,
        "creator:alice,bob": {mine, *others},
        "creator:nobody": set(),
        "-creator:nobody": {mine, *others},
        "creator:nobody,alice": {mine},
        "read-by:alice": {note},
        "-read-by:alice": {mine, said, decision, commitment},
        "voter:alice": {decision},
        "voter:bob": set(),
        "participant:alice": {decision, commitment},
        "participant:bob": {decision},
        "-participant:alice": {note, mine, said},
        "mentions:alice": {note},
        "mentions:bob": set(),
        "replying-to:alice": {said},
        "-replying-to:alice": {mine, note, decision, commitment},
        "replying-to:bob": set(),
    }.items():
        assert set(found(f"zanzibar {q}")) == expected, q


# --- Numbers --------------------------------------------------------------------------------


def test_numbers_are_bounds_and_inclusive(world):
    note, decision, commitment = write("Zanzibar"), decide("Zanzibar?", "Yes"), commit("Zanzibar!")
    bob = Caller(REST, "bob")
    said = bob.act("add_comment", f"{KITCHEN}/n/{note}", text="zanzibar").json["truncated_id"]
    bob.act("confirm_read", f"{KITCHEN}/n/{note}").assert_done()
    bob.act("join_commitment", f"{KITCHEN}/c/{commitment}").assert_done()
    everything = {note, decision, commitment, said}

    for q, expected in {
        "min-comments:1": {note},
        "max-comments:0": everything - {note},
        "min-comments:0": everything,
        "min-comments:2": set(),
        "min-readers:1": {note},
        "min-participants:1": {note, decision, commitment},
        "max-participants:0": {said},
        "min-voters:1": set(),
        "max-voters:0": everything,
        "min-links:1": set(),
        "max-backlinks:0": everything,
        f"min-comments:{'9' * 40}": set(),
        f"max-comments:{'9' * 40}": everything,
        "critical-mass-achieved:true": {commitment},
        "critical-mass-achieved:false": set(),
    }.items():
        assert set(found(f"zanzibar {q}")) == expected, q
    short = commit("Zanzibar twice", 2)
    assert found("zanzibar critical-mass-achieved:false") == [short]


# --- Times ----------------------------------------------------------------------------------


def test_after_compares_the_creation_and_before_the_deadline(world):
    old = move(write("Zanzibar"), created_at=datetime(2026, 5, 15, 0, 0, tzinfo=UTC))
    due = move(decide("Zanzibar?"), deadline=datetime(2026, 5, 20, 23, 59, 59, tzinfo=UTC))
    move(old, deadline=datetime(2026, 5, 15, tzinfo=UTC))

    assert found("zanzibar after:2026-05-16") == [due]
    assert set(found("zanzibar after:2026-05-15")) == {due, old}
    assert found("zanzibar before:2026-05-19") == [old]
    assert set(found("zanzibar before:2026-05-20")) == {due, old}
    assert found("zanzibar after:2026-05-15 before:2026-05-15") == [old]
    assert found("zanzibar after:-1d") == [due]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("-1m", datetime(2026, 5, 15, tzinfo=UTC)),
        ("-2w", datetime(2026, 6, 1, tzinfo=UTC)),
        ("-1y", datetime(2025, 6, 15, tzinfo=UTC)),
        ("-4m", datetime(2026, 2, 15, tzinfo=UTC)),
        ("-0d", datetime(2026, 6, 15, tzinfo=UTC)),
    ],
)
def test_relative_dates_follow_the_calendar(time_machine, value, day):
    here = write("Zanzibar")
    time_machine.move_to(datetime(2026, 6, 15, 12, tzinfo=UTC))

    move(here, created_at=day)
    assert found(f"zanzibar after:{value}") == [here]
    move(here, created_at=day - timedelta(microseconds=1))
    assert found(f"zanzibar after:{value}") == []


@pytest.mark.parametrize("q", ["after:2026-02-30", "before:+99999999y", "after:-999999d"])
def test_a_date_that_does_not_exist_has_no_effect_and_a_remark(world, q):
    here = write("Zanzibar")

    assert found(f"zanzibar {q}") == [here]
    text = answer_of("markdown", "alice", f"zanzibar {q}").content.decode()
    assert f"`{q}` has no effect, because the date does not exist." in text


def test_a_cycle_uses_the_timezone_of_the_collective_or_tenant(world, time_machine):
    time_machine.move_to(datetime(2026, 6, 15, 13, 30, tzinfo=UTC))
    here = write("Zanzibar")
    kitchen, main = world.collective("kitchen"), world.collective("kitchen").tenant
    type(kitchen).unscoped.filter(id=kitchen.id).update(timezone="Pacific/Auckland")
    type(main).objects.filter(id=main.id).update(timezone="UTC")
    # Tuesday in Auckland, Monday in UTC.
    moment = datetime(2026, 6, 15, 11, 0, tzinfo=UTC)
    move(here, created_at=moment, deadline=moment)

    assert found("zanzibar cycle:today") == [here]
    assert found("zanzibar cycle:today collective:kitchen") == []
    assert found("zanzibar cycle:yesterday collective:kitchen") == [here]
    assert found("zanzibar cycle:all") == [here]
    assert found("zanzibar cycle:yesterday after:-1d") == [here]


# --- Order ----------------------------------------------------------------------------------


def test_results_are_sorted(world):
    first, second = write("Other", "zanzibar"), write("Zanzibar", "x")
    third = decide("Some zanzibar?")
    for at, short in enumerate((first, second, third)):
        move(short, created_at=NOW + timedelta(minutes=at), updated_at=NOW - timedelta(minutes=at))
    for at, short in enumerate((second, first, third)):
        move(short, deadline=NOW + timedelta(hours=at))

    for name, expected in {
        "newest": [third, second, first],
        "new": [third, second, first],
        "oldest": [first, second, third],
        "updated": [first, second, third],
        "deadline": [second, first, third],
        "relevance": [third, second, first],
        "backlinks": [third, second, first],
    }.items():
        assert found(f"zanzibar sort:{name}") == expected, name
    assert found("-nothing sort:relevance")[0] == third
    move(first, created_at=NOW + timedelta(hours=1))
    assert found("zanzibar sort:relevance") == [third, second, first]
    assert found("zanzibar") == [first, third, second]


def test_items_created_at_the_same_time_are_sorted_by_newest_entry(world):
    shorts = [move(write("Zanzibar"), created_at=NOW, deadline=NOW) for _ in range(3)]

    for name in ("newest", "oldest", "deadline"):
        assert found(f"zanzibar sort:{name}") == shorts[::-1]
