"""Files, functions, classes and attributes named in decisions exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
CODE = ("harmonic", "accounts", "tokens", "collectives", "api", "bench", "tests")
# Names of Python, Django, psycopg, gunicorn and other products.
FOREIGN = frozenset(
    {"check_connection", "wsgi.create", "QuerySet.update", "lower()", "generate_token"}
)
# Spans that only look like a name or a file: a form of Unicode, a path of the API.
OTHER = frozenset({"NFKC_Casefold", "tokens/self"})
_SPAN = re.compile(r"`([^`\s]+)`")
_FILE = re.compile(r"[\w/-]+/[\w./-]*")
# Spans that look like code: a call, an attribute, or a word with an underscore.
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(.*\))?")


@cache
def sources() -> dict[Path, str]:
    files = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path: path.read_text() for path in files if path.name != Path(__file__).name}


def is_defined(name: str) -> bool:
    """Return whether the last part of a name is a function, a class or an assigned name.

    If the part before it is a module, the name must be defined there.
    """
    owner, _, last = name.partition("(")[0].rpartition(".")
    places = [text for path, text in sources().items() if path.stem == owner]
    word = re.escape(last)
    pattern = rf"\b(?:def|class) {word}\b|\b{word}\b\s*(?::|=)|[\"']{word}[\"']"
    return is_migration(last) or any(
        re.search(pattern, text) for text in places or sources().values()
    )


def is_migration(name: str) -> bool:
    return any(ROOT.glob(f"*/migrations/{name}.py"))


def unknown(text: str) -> list[str]:
    """Return the names in a decision that do not exist."""
    missing = []
    for span in _SPAN.findall(text):
        if span in FOREIGN | OTHER or span.endswith((".html", ".toml", ".md")):
            continue
        # Files below var/ exist only after a run.
        if _FILE.fullmatch(span) and not span.startswith(("/", "var/")):
            path = span.partition("::")[0]
            missing += [] if (ROOT / path).exists() else [span]
        elif _NAME.fullmatch(span) and re.search(r"[._(]", span) and not is_defined(span):
            missing.append(span)
    return missing


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_names_in_decisions_exist(path: Path) -> None:
    assert unknown(path.read_text()) == []


def test_unknown_names_are_reported() -> None:
    text = "`prepared.registered_nowhere()`, `harmonic/nowhere.py`, `harmonic/urls.py`, `by_token`"

    assert unknown(text) == ["prepared.registered_nowhere()", "harmonic/nowhere.py"]
