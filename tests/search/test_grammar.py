"""The search grammar (content §20.3, §24)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectives.items.kinds import all_kinds
from collectives.search.language.grammar import MAX_TERMS, Given, Query, parse
from collectives.search.language.operators import OPERATORS, SUBTYPES
from harmonic.kernel.refusals import Invalid

VALUES = {
    "after": ["2026-05-01", "-7d", "+2w", "-1M", "+10y"],
    "before": ["2026-02-30", "-0d"],
    "collective": ["kitchen", "main", "KITCHEN"],
    "creator": ["alice", "@Alice", "alice_smith,@bob-jones", "alice,,".rstrip(",") + ","],
    "cycle": ["all", "today", "3-days-ago", "this-week"],
    "limit": ["0", "101", "9" * 60],
    "type": ["N", "note,d", "Decision,"],
    "sort": ["new", "OLD", "relevance"],
    "group": ["none", "Week"],
}
INVALID = {
    "after": ["7d", "2026-5-1", "yesterday", "+7"],
    "collective": ["@kitchen", "a_b", "kitchen,garden"],
    "creator": ["al ice", "alice,b%", ","],
    "cycle": ["Today", "someday", "this-week,today"],
    "limit": ["-1", "ten", "1,2"],
    "type": ["banana", "note,banana", "notes"],
    "sort": ["newest,oldest", "up"],
    "status": ["open,closed", "ajar"],
}


def given_in(text: str) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(each.key, each.values, each.is_negated) for each in parse(text).given]


# --- Tokens ---------------------------------------------------------------------------------


def test_words_phrases_excluded_text_and_operators_are_distinguished():
    query = parse('apple "banana cherry" -date -"e f" TYPE:N')

    assert (query.words, query.phrases) == (("apple",), ("banana cherry",))
    assert query.excluded == ("date", "e f")
    assert given_in('apple "banana cherry" -date -"e f" TYPE:N') == [("type", ("note",), False)]


@pytest.mark.parametrize(
    ("text", "words", "phrases", "excluded"),
    [
        ('"type:note"', (), ("type:note",), ()),
        ('-"type:note"', (), (), ("type:note",)),
        ('key:"two words"', ('key:"two', 'words"'), (), ()),
        ('"open', ('"open',), (), ()),
        ('"a"b', ("b",), ("a",), ()),
        ('a"b c"', ('a"b', 'c"'), (), ()),
        ("--a", (), (), ("-a",)),
        ('- "" -"" " " -', (), (), ()),
        ('"', ('"',), (), ()),
        ('-"', (), (), ('"',)),
        ("foo:bar -foo:bar", ("foo:bar",), (), ("foo:bar",)),
        ("type: :note", ("type:", ":note"), (), ()),
        ("--type:note", (), (), ("-type:note",)),
        ("İstanbul ISIK ışık", ("istanbul", "isik", "isik"), (), ()),
        ('"Crème Brûlée"', (), ("creme brulee",), ()),
    ],
)
def test_a_quote_groups_only_at_the_start_of_a_token(text, words, phrases, excluded):
    query = parse(text)

    assert (query.words, query.phrases, query.excluded) == (words, phrases, excluded)
    assert query.given == ()


# --- Operators ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(OPERATORS))
def test_values_are_case_insensitive_and_lose_a_leading_at_sign(key):
    for value in [OPERATORS[key].example.partition(":")[2], *VALUES.get(key, [])]:
        query = parse(f"{key.upper()}:{value}")

        assert [each.key for each in query.given] == [key], value
        assert query.words == ()
        assert all("@" not in each and each == each.lower() for each in query.values(key))


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in INVALID.items() for value in values]
)
def test_an_operator_with_an_invalid_value_is_text_with_a_remark(key, value):
    query = parse(f"{key}:{value.replace(' ', '')}%" if " " in value else f"{key}:{value}")

    assert query.given == ()
    assert len(query.words) == 1
    (remark,) = query.remarks
    assert remark.sentence == f"was searched for as text. {key} takes {OPERATORS[key].values}."


@pytest.mark.parametrize("key", sorted(OPERATORS))
def test_an_operator_is_negated_or_a_remark_says_that_it_cannot_be(key):
    query = parse(f"-{OPERATORS[key].example.removeprefix('-')}")

    if OPERATORS[key].is_negatable:
        assert [each.is_negated for each in query.given] == [True]
        assert query.remarks == ()
    else:
        assert query.given == ()
        assert query.remarks[0].sentence == f"has no effect: {key} cannot be negated."
    assert query.words == query.excluded == ()


def test_unknown_operators_are_text_without_a_remark():
    assert parse("foo:bar -http://example.org") == Query(
        words=("foo:bar",), excluded=("http://example.org",)
    )


def test_a_repeated_operator_adds_values_or_its_last_use_counts():
    query = parse("type:note type:c,note creator:@a creator:B status:open status:closed limit:3")

    assert query.values("type") == ("note", "commitment")
    assert query.values("creator") == ("a", "b")
    assert query.value("status") == "closed"


def test_every_subtype_of_a_kind_is_a_value():
    for kind in all_kinds():
        model: Any = kind.model
        assert set(model.Subtype.values) <= set(SUBTYPES)


# --- Any text -------------------------------------------------------------------------------

PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['"', "-", ":", ",", "@", '-"', "type:", "after:", "%", "_", "\\", " "]),
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from([each.example for each in OPERATORS.values()]),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(TEXTS)
def test_any_text_is_parsed_or_has_too_many_terms(text: str):
    try:
        query = parse(text)
    except Invalid:
        assert len(text.split()) + text.count('"') > MAX_TERMS
        return
    assert all((*query.words, *query.phrases, *query.excluded))
    assert all(OPERATORS[each.key].is_negatable for each in query.given if each.is_negated)
    assert all(each.values for each in query.given)


@given(st.text(alphabet=st.characters(exclude_characters='"'), min_size=1, max_size=40))
def test_quoted_text_is_a_phrase_whatever_it_contains(text: str):
    query = parse(f'"{text}" -"{text}"')

    assert (query.words, query.given, query.remarks) == ((), (), ())
    assert query.phrases == query.excluded


@given(st.lists(st.sampled_from(["type:note", "type:d", "-type:c", "status:open"]), max_size=6))
def test_operators_are_kept_in_their_order(tokens: list[str]):
    assert [each.token for each in parse(" ".join(tokens)).given] == tokens
    assert all(isinstance(each, Given) for each in parse(" ".join(tokens)).given)
