"""Problem details (RFC 9457) on request."""

from __future__ import annotations

import pytest

from tests.rest.conftest import BASE, ERROR_KEYS, KITCHEN

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "accept", [PROBLEM, f"application/json, {PROBLEM}", f"*/*;q=0.1, {PROBLEM.upper()};q=0.5"]
)
def test_problem_has_the_members_of_an_error_and_of_the_rfc(alice, accept):
    response = alice.get(f"{KITCHEN}/notes/00000000", {"Accept": accept})
    body = response.json()

    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)
    assert list(body) == [*ERROR_KEYS, "type", "title", "detail"]
    assert body["detail"] == body["error"] == "Not found"
    assert body["title"] == "Not found"
    assert body["type"] == "http://garden.localhost/api/v1/docs#not_found"


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        f"{PROBLEM};q=0",
        "text/html",
        "",
        f"application/json, {PROBLEM};q=0.1",
        f"application/*, {PROBLEM};q=0.1",
    ],
)
def test_problem_details_are_sent_only_on_request(alice, accept):
    response = alice.get(f"{KITCHEN}/notes/00000000", {"Accept": accept})

    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert list(response.json()) == ERROR_KEYS


def test_problem_names_invalid_parameters(alice):
    response = alice.post(f"{KITCHEN}/notes", {"text": ""}, Accept=PROBLEM)

    assert response["Content-Type"] == PROBLEM
    assert response.json()["fields"] == {"text": ["Text can't be blank"]}


def test_anonymous_requests_get_problem_details_too(anonymous):
    response = anonymous().get(BASE, headers={"accept": PROBLEM})

    assert (response.status_code, response["Content-Type"]) == (401, PROBLEM)
    assert response["WWW-Authenticate"] == 'Bearer realm="Harmonic"'


def test_success_is_plain_json(alice):
    response = alice.get(BASE, {"Accept": PROBLEM})

    assert response["Content-Type"] == "application/json; charset=utf-8"
