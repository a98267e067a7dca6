"""Entity tags and preconditions (RFC 9110 §8.8.3 and §13)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse

from harmonic.kernel.http.conditional import (
    etag_of,
    has_version,
    is_as_expected,
    is_conditional_write,
    last_modified,
    matches,
    tag,
    with_version,
)

MOMENT = datetime(2026, 5, 13, 9, 0, 0, 500_000, tzinfo=UTC)
ETAG = etag_of(b"a body")


def test_etag_is_strong_and_depends_only_on_the_body():
    assert re.fullmatch(r'"[0-9a-f]{32}"', ETAG)
    assert etag_of(b"a body") == ETAG
    assert etag_of(b"another") != ETAG


# The rows of RFC 9110 §8.8.3.2 for the weak comparison, lists, and what proxies make of a tag.
@pytest.mark.parametrize(
    ("header", "etag", "is_match"),
    [
        ('W/"1"', 'W/"1"', True),
        ('W/"1"', 'W/"2"', False),
        ('W/"1"', '"1"', True),
        ('"1"', '"1"', True),
        ('"1"', 'W/"1"', True),
        ('"2", W/"3" ,"1"', '"1"', True),
        ('"2", "3"', '"1"', False),
        ("*", '"1"', True),
        (" * ", '"1"', True),
        ("1", '"1"', False),
        ("", '"1"', False),
        ('"1', '"1"', False),
        ('"a,b"', '"a,b"', True),
        ('"1-gzip"', '"1"', True),
        ('"1--gzip"', '"1"', True),
        ('"1;gzip"', '"1"', True),
        ('W/"1-br"', '"1"', True),
        ('"2", "1-zstd"', 'W/"1"', True),
        ('"1-gzip"', '"2"', False),
        ('"1-pdf"', '"1"', False),
        ('"1gzip"', '"1"', False),
        ('"-gzip"', '"1"', False),
    ],
)
def test_tags_changed_by_a_compressing_proxy_match(header, etag, is_match):
    assert matches(header, etag) is is_match
    assert is_as_expected({"If-Match": header}, etag, None) is is_match


@pytest.mark.parametrize(
    ("seconds", "is_fine"), [(-1, False), (0, True), (1, True)], ids=["older", "same", "newer"]
)
def test_if_unmodified_since_is_compared_in_seconds(seconds, is_fine):
    headers = {"If-Unmodified-Since": last_modified(MOMENT + timedelta(seconds=seconds))}

    assert is_conditional_write(headers)
    assert is_as_expected(headers, ETAG, MOMENT) is is_fine


def test_if_match_takes_precedence_over_the_date():
    old = last_modified(MOMENT - timedelta(days=1))

    assert is_as_expected({"If-Match": ETAG, "If-Unmodified-Since": old}, ETAG, MOMENT)
    assert not is_as_expected({"If-Match": '"x"', "If-Unmodified-Since": old}, ETAG, MOMENT)


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 May 2026 09:00:00 GMT"])
def test_an_invalid_date_is_ignored(date):
    assert is_as_expected({"If-Unmodified-Since": date}, ETAG, MOMENT)


def test_a_write_without_preconditions_passes():
    assert not is_conditional_write({"If-None-Match": "*"})
    assert is_as_expected({}, ETAG, MOMENT)


def test_a_matching_tag_gives_an_empty_304_with_the_same_headers():
    response = HttpResponse(b"a body", headers={"Cache-Control": "private, no-cache", "Vary": "A"})
    tag({"If-None-Match": f"W/{ETAG}"}, response, ETAG)

    assert (response.status_code, response.content) == (304, b"")
    assert response.headers == {"Cache-Control": "private, no-cache", "Vary": "A", "ETag": ETAG}


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"x"'}, {"If-Modified-Since": "x"}])
def test_a_tag_that_does_not_match_gives_the_full_response(headers):
    response = HttpResponse(b"a body")
    tag(headers, response, ETAG)

    assert (response.status_code, response.content, response["ETag"]) == (200, b"a body", ETAG)


# --- Tags of several pages about one thing --------------------------------------------------

VERSION = ("note", 1)
PAGE = with_version(ETAG, VERSION)


@pytest.mark.parametrize(
    "header",
    [
        PAGE,
        f"W/{PAGE}",
        with_version(etag_of(b"another page"), VERSION),
        f'"another", {PAGE}',
        f'{PAGE[:-1]}--gzip"',
        "*",
        " * ",
    ],
)
def test_the_tag_of_any_page_with_the_version_is_accepted(header):
    assert has_version(header, VERSION)


@pytest.mark.parametrize(
    "header",
    [with_version(ETAG, ("note", 2)), ETAG, "", '""', f'"{PAGE[1:-1].partition(".")[0]}"', "**"],
)
def test_the_tag_of_another_version_is_not_accepted(header):
    assert not has_version(header, VERSION)


def test_the_tag_of_a_page_has_the_version_and_the_tag_of_the_body():
    assert re.fullmatch(rf'"[0-9a-f]{{16}}\.{ETAG[1:-1]}"', PAGE)
    assert with_version(ETAG, VERSION) == PAGE
    assert matches(PAGE, PAGE)
    assert not matches(PAGE, with_version(ETAG, ("note", 2)))
