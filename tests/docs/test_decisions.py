"""What the decisions name exists: files, functions, classes and their attributes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
CODE = ("harmonic", "accounts", "tokens", "collectives", "api", "bench", "tests")
# Names of Python, Django, psycopg and gunicorn, and those of other products.
FOREIGN = frozenset(
    {"check_connection", "wsgi.create", "QuerySet.update", "lower()", "generate_token"}
)
# What looks like a name or a file and is none: a form of Unicode, a path of the API.
OTHER = frozenset({"NFKC_Casefold", "tokens/self"})
_SPAN = re.compile(r"`([^`\s]+)`")
_FILE = re.compile(r"[\w/-]+/[\w./-]*")
# What looks like code: a call, an attribute, or a word with an underscore.
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(.*\))?")


@cache
def sources() -> dict[Path, str]:
    files = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path: path.read_text() for path in files if path.name != Path(__file__).name}


def is_defined(name: str) -> bool:
    """Return whether the last part of a name is a function, a class or an assigned name.

    If the part before it is a module, it must be defined there.
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
    """Return what a decision names and what does not exist."""
    missing = []
    for span in _SPAN.findall(text):
        if span in FOREIGN | OTHER or span.endswith((".html", ".toml", ".md")):
            continue
        # Files below var/ exist only where something has run.
        if _FILE.fullmatch(span) and not span.startswith(("/", "var/")):
            path = span.partition("::")[0]
            missing += [] if (ROOT / path).exists() else [span]
        elif _NAME.fullmatch(span) and re.search(r"[._(]", span) and not is_defined(span):
            missing.append(span)
    return missing


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_everything_that_a_decision_names_exists(path: Path) -> None:
    assert unknown(path.read_text()) == []


def test_a_name_that_does_not_exist_is_found() -> None:
    text = "`prepared.registered_nowhere()`, `harmonic/nowhere.py`, `harmonic/urls.py`, `by_token`"

    assert unknown(text) == ["prepared.registered_nowhere()", "harmonic/nowhere.py"]
