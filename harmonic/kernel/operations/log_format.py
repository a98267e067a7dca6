"""The level and the format of logs by environment, and the text format.

The process that runs server and worker uses it too, so it imports no other module.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

JSON: Final = "json"
TEXT: Final = "text"
# Fields of a line that a person at a terminal knows.
_OMITTED: Final = frozenset({"timestamp", "event", "severity", "environment", "exception"})


def default_level(environment: str) -> str:
    """Return the minimum severity of log lines: a terminal shows warnings and errors only."""
    return "INFO" if environment == "production" else "WARNING"


def default_format(environment: str) -> str:
    return JSON if environment == "production" else TEXT


def text_of(line: Mapping[str, Any]) -> str:
    """Return a log line as text for a terminal: time, severity, event, then the other fields."""
    facts = ", ".join(
        f"{name}: {_printable(value)}" for name, value in line.items() if name not in _OMITTED
    )
    event = _printable(line["event"])
    text = f"{time.strftime('%H:%M:%S')} {str(line['severity']).upper()} {event}"
    text += f" ({facts})" if facts else ""
    return f"{text}\n{line['exception']}" if line.get("exception") else text


def _printable(value: Any) -> str:
    """Return a value as text that cannot begin another line."""
    text = str(value)
    return text if text.isprintable() else json.dumps(text)
