"""Limits for the size of modules and folders (`docs/architecture.md`)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

ROOT = Path(settings.BASE_DIR)
LONGEST_MODULE = 400
MOST_MODULES = 12
APART = {"tests", "var"}
MODULES = [
    path
    for folder in ROOT.iterdir()
    if folder.is_dir() and folder.name not in APART and not folder.name.startswith(".")
    for path in folder.rglob("*.py")
    if "migrations" not in path.parts
]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_has_more_than_400_lines():
    lines = {shown(path): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_folder_has_more_than_12_modules():
    folders = Counter(shown(path.parent) for path in MODULES if path.name != "__init__.py")

    assert {name: count for name, count in folders.items() if count > MOST_MODULES} == {}
