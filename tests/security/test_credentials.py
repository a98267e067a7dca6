"""The security log names the token of an action and links to it."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.fixtures.world import World, make_token, token_client
from tests.security.conftest import act, markdown
from tokens.models import ApiToken

pytestmark = pytest.mark.django_db

OWN, TENANT = "/settings/security", "/tenant-admin/security"
NEW = "/u/alice/settings/tokens/new/actions/create_api_token.json"


def row_of(plaintext: str) -> ApiToken:
    return ApiToken.unscoped.select_related("owner").get(token_prefix=plaintext[:8])


def path_of(token: ApiToken) -> str:
    return f"/u/{token.owner.handle}/settings/tokens/{token.id}"


def lines(client: Any, path: str) -> list[str]:
    return [line for line in markdown(client, path).splitlines() if line.startswith("| ")]


def test_the_event_of_a_new_token_names_the_creating_token(page: Any, seen: Any) -> None:
    maker = row_of(plaintext := make_token("alice"))
    act(token_client(plaintext), NEW, name="made by it", read_write="read")
    made = ApiToken.unscoped.get(name="made by it")

    row = seen("token_created")[-1]
    assert (row.data["with"], row.data["by_token_id"]) == ("token", str(maker.id))
    [line] = [each for each in lines(page("alice"), OWN) if "made by it" in each]
    assert f"by token [alice in a test]({path_of(maker)})" in line
    until = f"{made.expires_at:%-d %b %Y}"
    said = f"was created: {made.token_prefix}\\*\\*\\*\\*\\*\\*\\*\\*\\*, read:all, until {until}"
    assert said in line
    assert f"([its page]({path_of(made)}))" in line


def test_events_distinguish_sessions_from_tokens(page: Any, seen: Any) -> None:
    act(page("alice"), NEW, name="by hand")

    [row] = seen("token_created")
    assert row.data["with"] == "session"
    assert "by_token_id" not in row.data
    [line] = [each for each in lines(page("alice"), OWN) if "by hand" in each]
    assert "[Alice](/u/alice) by session" in line


def test_a_refusal_names_the_token(api: Any, page: Any, seen: Any) -> None:
    act(api("bob", scope="read"), "/note/actions/create_note", text="text")

    [row] = seen("permission_denied")
    assert row.data["by_token"] == "bob in a test"
    assert "by token [bob in a test](/u/bob/settings/tokens/" in markdown(page("bob"), OWN)


def test_refusals_are_sampled_for_each_token(api: Any, page: Any, seen: Any) -> None:
    for client in [*(api("bob", scope="read") for _ in range(2)), page("bob")]:
        for _ in range(2):
            act(client, "/collectives/board/note/actions/create_note.json", text="text")

    acted = [row.data.get("by_token_id") for row in seen("permission_denied")]
    assert len(acted) == len(set(acted)) == 3


def test_html_and_markdown_link_to_the_same_pages(page: Any) -> None:
    make_token("alice", agent="scout")
    token = ApiToken.unscoped.select_related("owner").get(name="scout in a test")

    table = BeautifulSoup(page("alice").get(OWN).content, "html.parser").select_one("tbody")

    assert table is not None
    assert [link["href"] for link in table.select("th a")][:1] == [path_of(token)]
    assert f"({path_of(token)})" in markdown(page("alice"), OWN)


def test_a_deleted_token_is_named_without_a_link(page: Any) -> None:
    token = row_of(plaintext := make_token("alice"))
    act(token_client(plaintext), NEW, name="made by it")
    act(page("alice"), f"{path_of(token)}/actions/delete_api_token.json")

    [line] = [each for each in lines(page("alice"), OWN) if "made by it" in each]

    assert "by token alice in a test" in line
    assert str(token.id) not in markdown(page("alice"), OWN)


def test_an_admin_sees_the_names_of_others_tokens_without_links(page: Any, api: Any) -> None:
    act(api("bob"), "/u/bob/settings/tokens/new/actions/create_api_token.json", name="made by it")

    [line] = [each for each in lines(page("alice"), TENANT) if "made by it" in each]

    assert "by token bob in a test" in line
    assert "/settings/tokens/" not in line


def test_the_subject_of_an_event_does_not_see_the_actors_token(page: Any, api: Any) -> None:
    act(
        api("alice"),
        "/collectives/kitchen/members/actions/update_member_roles",
        user_handle="bob",
        role="admin",
        grant=True,
    )

    own, tenant = markdown(page("bob"), OWN), markdown(page("alice"), TENANT)

    assert "Bob was made admin of Kitchen Crew" in own
    assert "alice in a test" not in own
    assert "by token [alice in a test]" in tenant


def test_filtering_by_token_shows_its_actions_and_its_own_changes(page: Any, world: World) -> None:
    token = row_of(plaintext := make_token("alice"))
    make_token("alice", agent="scout")
    act(token_client(plaintext), NEW, name="made by it")
    act(page("alice"), f"{path_of(token)}/actions/rename_api_token.json", name="renamed")
    alice = page("alice")

    found = markdown(alice, f"{OWN}?token={token.id}")

    assert "Token “made by it” was created" in found
    assert "Token “alice in a test” was renamed to “renamed”" in found
    assert "scout in a test" not in found
    assert len(lines(alice, f"{OWN}?token={token.id}&event=token_renamed")) == 3
    assert "No events match" in markdown(alice, f"{OWN}?token=nonsense")
    assert f"{OWN}?token={token.id}" in alice.get(path_of(token)).content.decode()
