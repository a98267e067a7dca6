"""Unknown hosts are refused like unknown tenants, in the requested format."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from harmonic.kernel.operations import log_format
from harmonic.kernel.operations.logs import formatter
from tests.fixtures.world import BROWSER, make_token, token_client
from tests.server.wire import answered

pytestmark = pytest.mark.django_db

HOSTS = ["evil.com", "", "gar den", "a,b", "localhost.evil.com", "evil.com:8000", "[::2]", "é"]
EVERY_HOST = pytest.mark.parametrize("host", HOSTS)
VARY = "Accept, Authorization, Cookie"


@EVERY_HOST
def test_an_unknown_host_gets_a_json_error_from_the_api(host: str) -> None:
    answer = Client(headers={"host": host}).get("/api/v1/notes")

    assert answer.status_code == 404
    assert list(answer.json())[:4] == ["error", "code", "status", "request_id"]
    assert (answer.json()["error"], answer.json()["code"]) == ("Not found", "not_found")
    assert (answer["Vary"], answer["API-Version"]) == (VARY, "1.0.0")


@EVERY_HOST
def test_an_unknown_host_gets_markdown_for_a_program(host: str) -> None:
    answer = Client(headers={"host": host, "accept": "text/markdown"}).get("/whoami")

    assert (answer.status_code, answer["Vary"]) == (404, VARY)
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert "status: 404\nerror: Not found\n" in answer.content.decode()


@EVERY_HOST
@pytest.mark.parametrize("path", ["/", "/help", "/login"])
def test_an_unknown_host_gets_a_page_for_a_browser(host: str, path: str) -> None:
    answer = Client(headers={"host": host, "accept": BROWSER}).get(path)

    assert (answer.status_code, answer["Vary"]) == (404, VARY)
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    if host:
        assert host not in answer.content.decode()


def test_an_unknown_host_gets_problem_details_when_requested() -> None:
    accept = {"host": "evil.com", "accept": "application/problem+json"}
    answer = Client(headers=accept).get("/api/v1/notes")

    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "http://localhost/api/v1/docs#not_found"


def test_a_token_does_not_open_an_unknown_host(db: None) -> None:
    client = token_client(make_token("alice"))

    assert client.get("/api/v1/notes", headers={"host": "evil.com"}).status_code == 404
    assert client.post("/api/v1/notes", headers={"host": "evil.com"}).status_code == 404


def test_production_redirects_unknown_hosts_to_its_own_over_https(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True

    answer = Client(headers={"host": "evil.com"}).get("/whoami")

    assert (answer.status_code, answer["Location"]) == (301, "https://localhost/whoami")


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that returns the logged lines."""
    written, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    configured = logging.config.DictConfigurator({"version": 1})
    handler.setFormatter(configured.configure_formatter(formatter("production", log_format.JSON)))
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.removeHandler(handler)


def test_an_unknown_host_is_one_log_line_without_a_traceback(lines: Any) -> None:
    for host in ("evil.com", "nobody.localhost"):
        Client(headers={"host": host}).get("/whoami")

    [foreign, ours] = lines()
    assert (foreign["severity"], foreign["event"]) == ("warning", "Not Found: /whoami")
    assert foreign["unknown_host"] == "evil.com"
    assert "exception" not in foreign
    assert "unknown_host" not in ours


def test_the_healthcheck_answers_on_any_host() -> None:
    assert Client(headers={"host": "evil.com"}).get("/healthcheck").status_code == 200


def test_the_server_refuses_an_unknown_host() -> None:
    answer = answered([b"GET /api/v1 HTTP/1.1\r\nHost: evil.com\r\n\r\n"])

    assert (answer.status, answer.json()["code"]) == (404, "not_found")
