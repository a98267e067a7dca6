"""The link to the introduction for agents, on every response."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

HELP = '</llms.txt>; rel="help"'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/whoami.md", 200),
        ("get", "/whoami/actions.json", 200),
        ("get", "/n/nothing.md", 404),
        ("get", "/settings", 302),
        ("get", "/api/v1", 200),
        ("head", "/api/v1", 200),
        ("options", "/api/v1", 204),
        ("delete", "/api/v1", 405),
        ("get", "/collectives/board/api/v1/notes", 403),
        ("post", "/collectives/kitchen/note/actions/create_note", 422),
    ],
)
def test_every_response_links_to_the_introduction_for_agents(
    api: Any, method: str, path: str, status: int
) -> None:
    response = getattr(api("alice"), method)(path)

    assert response.status_code == status
    assert response["Link"].endswith(HELP)


@pytest.mark.parametrize("path", ["/login", "/whoami", "/llms.txt", "/api/v1", "/whoami.md"])
def test_anonymous_callers_get_the_link_too(anonymous: Any, path: str) -> None:
    assert anonymous().get(path)["Link"].endswith(HELP)


def test_the_base_domain_has_the_link_and_the_introduction(db: None) -> None:
    client = Client(headers={"host": "localhost"})

    assert client.get("/")["Link"].endswith(HELP)
    assert client.get("/llms.txt").status_code == 200


@pytest.mark.parametrize(
    ("path", "rel"),
    [
        ("/collectives/kitchen/api/v1/notes?limit=1", "next"),
        ("/whoami.md", "canonical"),
    ],
)
def test_other_links_of_a_response_stay(api: Any, path: str, rel: str) -> None:
    rels = re.findall(r'rel="(\w+)"', api("alice").get(path)["Link"])

    assert (rel in rels, rels[-1]) == (True, "help")
