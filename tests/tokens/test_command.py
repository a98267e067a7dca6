"""The command that creates a token."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

USUAL = ["create_token", "--tenant", "garden", "--user", "alice", "--name", "By command"]


def test_the_command_prints_the_token_of_an_agent() -> None:
    out = StringIO()

    call_command(*USUAL, "--for", "scout", stdout=out)

    assert out.getvalue().startswith("hmn_")
    assert ApiToken.unscoped.get(name="By command").owner.handle == "scout"


def test_an_unknown_agent_is_refused_by_name() -> None:
    with pytest.raises(CommandError, match="nobody-here"):
        call_command(*USUAL, "--for", "nobody-here")

    assert not ApiToken.unscoped.filter(name="By command").exists()
