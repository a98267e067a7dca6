"""The reference of actions says what the code does."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from harmonic.site.action_reference import document


def test_the_reference_of_actions_is_that_of_the_code() -> None:
    kept = (Path(settings.BASE_DIR) / "docs/actions.md").read_text()

    assert kept == document(), "run manage.py describe_actions"
