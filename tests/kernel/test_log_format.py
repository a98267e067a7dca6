"""Lines of logs: JSON in production, text at a terminal."""

from __future__ import annotations

import json
import logging
import logging.config
import time
from typing import Any

import pytest
import time_machine
from structlog.contextvars import clear_contextvars

from harmonic.kernel.operations import log_format
from harmonic.kernel.operations.logs import formatter


@pytest.fixture(autouse=True)
def outside_of_requests() -> None:
    """Forget the request ID of an earlier test."""
    clear_contextvars()


def line_of(form: str, message: str, *args: Any, **more: Any) -> str:
    """Return the line of a warning in a format."""
    configured = logging.config.DictConfigurator({"version": 1})
    made = configured.configure_formatter(formatter("local", form))
    record = logging.LogRecord("harmonic", logging.WARNING, "", 0, message, args, None)
    record.__dict__.update(more)
    return str(made.format(record))


@time_machine.travel("2026-11-30 12:04:05", tick=False)
def test_a_line_of_text_has_time_severity_event_and_fields():
    line = line_of("text", "The worker ended.", audit={"code": -9})

    assert line == f"{time.strftime('%H:%M:%S')} WARNING The worker ended. (code: -9)"


def test_text_cannot_begin_another_line():
    line = line_of("text", "Not Found: %s", "/a\n12:00:00 ERROR Forged", audit={"ip": "x\ny"})

    assert "\n" not in line


def test_the_traceback_of_an_error_follows_the_line():
    try:
        raise ValueError("out of cheese")
    except ValueError as error:
        line = line_of("text", "A job failed.", exc_info=(ValueError, error, error.__traceback__))

    first, *traceback = line.splitlines()
    assert first.endswith("WARNING A job failed.")
    assert traceback[-1] == "ValueError: out of cheese"


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_line_has_a_token(form: str):
    token = "hmn_" + "x" * 42

    assert token not in line_of(form, "Sent %s", token, audit={"sent": token})


def test_production_logs_json_from_info_and_a_terminal_shows_text_from_warnings():
    defaults = {
        name: (log_format.default_format(name), log_format.default_level(name))
        for name in ("production", "local")
    }

    assert defaults == {"production": ("json", "INFO"), "local": ("text", "WARNING")}
    assert json.loads(line_of("json", "Hello"))["event"] == "Hello"
