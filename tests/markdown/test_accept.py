"""Content negotiation on pages with and without JSON."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.django_db

MARKDOWN = "text/markdown; charset=utf-8"
HTML = "text/html; charset=utf-8"
JSON = "application/json"
AXIOS = "application/json, text/plain, */*"
DESCRIPTION = "/collectives/kitchen/note/actions/create_note"


@pytest.mark.parametrize(
    "accept", [AXIOS, "application/json, */*", "application/json;q=0.5, text/markdown;q=0.4"]
)
def test_a_program_that_also_accepts_other_types_gets_markdown(api: Any, accept: str) -> None:
    answer = api("alice").get("/whoami", headers={"accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, MARKDOWN)
    assert answer.content.startswith(b"---\napp: Harmonic\n")
    assert answer["Vary"] == "Accept, Authorization, Cookie"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (AXIOS, HTML),
        ("application/json, */*;q=0.5", HTML),
        ("application/json;q=0.5, text/markdown;q=0.4", MARKDOWN),
    ],
)
def test_a_session_that_also_accepts_other_types_gets_the_page(
    page: Any, accept: str, media_type: str
) -> None:
    answer = page("alice").get("/whoami", headers={"accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)


@pytest.mark.parametrize("accept", [JSON, "application/json, text/html", "application/*"])
def test_a_program_that_accepts_json_only_is_refused(api: Any, accept: str) -> None:
    answer = api("alice").get("/whoami", headers={"accept": accept})

    assert (answer.status_code, answer.json()["available"]) == (406, ["text/markdown"])


def test_the_suffix_json_accepts_no_other_format(api: Any) -> None:
    answer = api("alice").get("/whoami.json", headers={"accept": AXIOS})

    assert answer.status_code == 406


@pytest.mark.parametrize("accept", [AXIOS, "application/json, */*"])
def test_a_page_with_json_responds_with_json(api: Any, accept: str) -> None:
    alice = api("alice")
    described = alice.get(DESCRIPTION, headers={"accept": accept})
    done = alice.post(DESCRIPTION, {"text": "x"}, headers={"accept": accept})

    assert described["Content-Type"] == JSON
    assert done.json()["success"] is True


def test_refusals_are_json_if_json_is_asked(api: Any) -> None:
    answer = api("alice").get("/n/00000000", headers={"accept": AXIOS})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
