"""The plaintext of a token: format, checksum, digest and prefix."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens import secret


def test_a_new_token_has_the_documented_format():
    token = secret.new()

    assert token.startswith("hmn_")
    assert len(token) == 46
    assert secret.is_well_formed(token)


def test_tokens_are_unique():
    assert len({secret.new() for _ in range(100)}) == 100


def test_the_checksum_is_the_crc_of_the_body_in_base_62():
    token = secret.new()

    value = 0
    for character in token[40:]:
        value = value * 62 + secret.ALPHABET.index(character)
    assert value == zlib.crc32(token[4:40].encode())


@pytest.mark.parametrize("position", [0, 3, 4, 20, 39, 40, 45])
def test_one_wrong_character_is_detected(position):
    token = secret.new()
    other = "x" if token[position] != "x" else "y"

    assert not secret.is_well_formed(token[:position] + other + token[position + 1 :])


@pytest.mark.parametrize(
    "change",
    [str.lower, str.upper, lambda t: t[:-1], lambda t: t + "0"],
    ids=["lower", "upper", "shorter", "longer"],
)
def test_another_case_or_length_is_invalid(change):
    assert not secret.is_well_formed(change(secret.new()))


@given(st.text(max_size=60))
def test_the_check_accepts_any_string(text):
    assert not secret.is_well_formed(text)
    assert len(secret.digest(text)) == 64


@given(st.text(min_size=46, max_size=46))
def test_a_random_string_of_the_right_length_is_invalid(text):
    assert not secret.is_well_formed("hmn_" + text[4:])


def test_the_digest_covers_the_whole_token():
    token = secret.new()

    assert secret.digest(token) == hashlib.sha256(token.encode()).hexdigest()


def test_only_the_first_eight_characters_are_shown():
    assert secret.visible_prefix("hmn_abcdefgh") == "hmn_abcd"
    assert secret.masked("hmn_abcd") == "hmn_abcd*********"
