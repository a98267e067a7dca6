"""Documents and pages never call the person who manages an agent its parent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("docs/api.md", "docs/actions.md", "docs/openapi.json")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CODE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", re.DOTALL)


def lines_with_parent(text: str) -> list[str]:
    """Return the lines about a parent, except the parent of a comment and names of keys."""
    found = (line.strip() for line in CODE.sub("", text).splitlines())
    return [
        line[:200]
        for line in found
        if re.search(r"\bparents?\b", line) and not re.search(r"[Cc]omment|\"parent", line)
    ]


def test_no_template_calls_anybody_a_parent() -> None:
    assert [line for path in TEMPLATES for line in lines_with_parent(path.read_text())] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_reference_calls_anybody_a_parent(name: str) -> None:
    assert lines_with_parent((ROOT / name).read_text()) == []
