"""The events of tokens in the security log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.world import World, make_token
from tests.security.conftest import act, facts
from tokens.models import ApiToken


@pytest.fixture
def token(world: World) -> ApiToken:
    """Return a token of Alice's agent Scout."""
    plaintext = make_token("alice", agent="scout")
    return ApiToken.unscoped.get(token_prefix=plaintext[:8])


def test_a_renamed_token_is_logged_with_both_names(
    page: Any, seen: Any, world: World, token: ApiToken
) -> None:
    path = f"/u/scout/settings/tokens/{token.id}/actions/rename_api_token"

    assert act(page("alice"), path, name="Nightly").status_code == 303

    [renamed] = seen("token_renamed")
    assert facts(renamed)["name"] == "Nightly"
    assert facts(renamed)["old_name"] == token.name
    assert facts(renamed)["token_id"] == str(token.id)
    assert renamed.subject_id == world.user("scout").id


def test_a_deleted_token_is_logged_with_its_name(
    page: Any, seen: Any, world: World, token: ApiToken
) -> None:
    path = f"/u/scout/settings/tokens/{token.id}/actions/delete_api_token"

    assert act(page("alice"), path).status_code == 303

    [deleted] = seen("token_deleted")
    assert facts(deleted)["name"] == token.name
    assert facts(deleted)["token_id"] == str(token.id)
    assert deleted.subject_id == world.user("scout").id
