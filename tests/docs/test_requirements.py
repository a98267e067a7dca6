"""All installed packages support the oldest supported Python."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from django.conf import settings
from packaging.specifiers import SpecifierSet

pytestmark = pytest.mark.one_database


def test_all_packages_support_the_oldest_python() -> None:
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]
    oldest = f"{project['requires-python'].removeprefix('>=')}.0"

    too_new = {
        each.name: asked
        for each in metadata.distributions()
        for asked in each.metadata.get_all("Requires-Python") or ()
        if oldest not in SpecifierSet(asked)
    }

    assert oldest == "3.11.0"
    assert too_new == {}
