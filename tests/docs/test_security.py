"""SECURITY.md: each promise is one sentence and names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "SECURITY.md").read_text()
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# Sections without promises.
WITHOUT_PROMISES = {"Reporting", "Out of scope"}


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def bullets() -> list[str]:
    """Return the promises, each with its references, on one line."""
    found = re.findall(r"^- .+?(?=^- |^#|\Z)", sections()["Promises"], re.MULTILINE | re.DOTALL)
    return [" ".join(bullet.removeprefix("- ").split()) for bullet in found]


def rows() -> list[list[str]]:
    lines = sections()["Threats considered"].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.exists() else ast.Module([], [])
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def missing(text: str) -> list[str]:
    """Return the tests named in a text that do not exist."""
    return [
        f"{path}::{name}" for path, name in REFERENCE.findall(text) if name not in names_in(path)
    ]


@pytest.mark.parametrize("bullet", bullets())
def test_a_promise_is_one_sentence_and_names_existing_tests(bullet: str) -> None:
    promise, marker, references = bullet.partition(" Shown by ")

    assert marker, "name the tests behind “Shown by”"
    assert promise.endswith("."), "write a whole sentence"
    assert ". " not in promise, "write one sentence for each promise"
    assert re.fullmatch(rf"{REFERENCE.pattern}(, {REFERENCE.pattern})*\.", references)
    assert missing(references) == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_threat_names_an_existing_test(row: list[str]) -> None:
    threat, defence, references = row

    assert threat.endswith(".")
    assert defence.endswith(".")
    assert REFERENCE.fullmatch(references)
    assert missing(references) == []


def test_there_are_no_promises_in_other_sections() -> None:
    assert set(sections()) == {*WITHOUT_PROMISES, "Promises", "Threats considered"}
    introduction = "Each promise names the tests that show it; `tests/docs/test_security.py` checks"
    between = re.sub(r"^- .+?(?=^#|\Z)", "", sections()["Promises"], flags=re.MULTILINE | re.DOTALL)
    words = [line for line in between.splitlines() if line and not line.startswith("### ")]

    assert " ".join(words) == f"{introduction} that they exist."


def test_missing_tests_are_reported() -> None:
    name = test_missing_tests_are_reported.__name__

    assert missing(f"`tests/docs/test_security.py::{name}`") == []
    assert missing("`tests/docs/test_security.py::test_gone`") == [
        "tests/docs/test_security.py::test_gone"
    ]
    assert missing("`tests/docs/gone.py::test_gone`") == ["tests/docs/gone.py::test_gone"]
