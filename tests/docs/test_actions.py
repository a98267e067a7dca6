"""docs/actions.md is generated from the code."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from harmonic.site.action_reference import document

pytestmark = pytest.mark.one_database


def test_docs_actions_md_is_current() -> None:
    kept = (Path(settings.BASE_DIR) / "docs/actions.md").read_text()

    assert kept == document(), "run manage.py describe_actions"
