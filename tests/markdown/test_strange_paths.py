"""Every path gets a valid response."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["\x00", "\r\nX-Evil: 1", "\u202e", "😀", "\ufdd0", "<b>", '"'])
@pytest.mark.parametrize("accept", ["text/html", "text/markdown", "application/json"])
def test_strange_paths_are_404_with_valid_headers(path: str, accept: str) -> None:
    client = Client(headers={"host": "garden.localhost", "accept": accept})

    answer = client.get(f"/{quote(path)}")

    assert answer.status_code == 404
    for value in answer.headers.values():
        value.encode("ascii")
        assert value.isprintable()
