"""The events of tokens in the security log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.world import World, make_token, token_client
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


def test_a_renamed_note_is_not_logged(page: Any, seen: Any, token: ApiToken) -> None:
    path = f"/u/scout/settings/tokens/{token.id}/actions/rename_api_token"

    assert act(page("alice"), path, name=token.name, note="Laptop").status_code == 303

    assert ApiToken.unscoped.get(id=token.id).note == "Laptop"
    assert seen("token_renamed") == []


def test_a_created_token_is_logged_with_scopes_and_expiry(
    page: Any, seen: Any, world: World
) -> None:
    path = "/u/scout/settings/tokens/new/actions/create_api_token"

    assert act(page("alice"), path, name="Nightly", read_write="read").status_code == 200

    made = ApiToken.unscoped.get(name="Nightly")
    [created] = seen("token_created")
    assert facts(created) == {
        "token_id": str(made.id),
        "name": "Nightly",
        "masked": f"{made.token_prefix}*********",
        "scopes": ["read:all"],
        "expires_at": made.expires_at.isoformat(),
    }
    assert created.subject_id == world.user("scout").id


def test_a_rotated_token_is_logged_with_its_successor(
    page: Any, seen: Any, world: World, token: ApiToken
) -> None:
    path = f"/u/scout/settings/tokens/{token.id}/actions/rotate_api_token"

    assert act(page("alice"), path, overlap_days=1).status_code == 200

    successor = ApiToken.unscoped.get(id=token.id).successor_id
    [rotated] = seen("token_rotated")
    assert facts(rotated) == {
        "token_id": str(token.id),
        "name": token.name,
        "successor_id": str(successor),
    }
    assert rotated.subject_id == world.user("scout").id
    assert facts(seen("token_created")[-1])["token_id"] == str(successor)


def test_deleting_a_token_twice_is_logged_once(seen: Any, token: ApiToken) -> None:
    manager = token_client(make_token("alice"))
    path = f"/api/v1/users/scout/tokens/{token.id}"

    assert [manager.delete(path).status_code for _ in range(2)] == [200, 404]

    assert len(seen("token_deleted")) == 1
