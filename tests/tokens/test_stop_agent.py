"""Stopping an agent: its tokens are revoked, and nothing else changes."""

from __future__ import annotations

import pytest

from accounts.models import TenantUser
from collectives.events.models import Event
from collectives.models import CollectiveMember
from tests.fixtures.world import make_token, token_client
from tokens.models import ApiToken

STOP = "actions/stop_ai_agent"
SELF = "/api/v1/tokens/self"


def token_page(plaintext):
    row = ApiToken.unscoped.select_related("owner").get(token_prefix=plaintext[:8])
    return f"/u/{row.owner.handle}/settings/tokens/{row.id}"


@pytest.fixture
def scouts(world):
    return [make_token("alice", agent="scout") for _ in range(2)]


def pages(scouts):
    return {
        "agent page": "/ai-agents/scout",
        "agent settings": "/ai-agents/scout/settings",
        "token page": token_page(scouts[0]),
    }


@pytest.mark.parametrize("where", ["agent page", "agent settings", "token page"])
def test_all_tokens_of_the_agent_are_revoked(page, scouts, world, where):
    path = f"{pages(scouts)[where]}/{STOP}"
    others = [make_token("alice"), make_token("bob", agent="pilot")]

    answer = page("alice").post(path)

    assert (answer.status_code, answer["Location"]) == (303, "/ai-agents/scout/settings")
    assert [token_client(each).get(SELF).status_code for each in scouts] == [401, 401]
    assert [token_client(each).get(SELF).status_code for each in others] == [200, 200]
    row = TenantUser.unscoped.get(handle="scout")
    assert row.archived_at is None
    memberships = CollectiveMember.unscoped.filter(person=row, archived_at=None)
    assert memberships.filter(collective__handle="kitchen").exists()


def test_a_stopped_agent_can_have_a_new_token(page, scouts):
    page("alice").post(f"/ai-agents/scout/{STOP}")

    assert token_client(make_token("alice", agent="scout")).get(SELF).status_code == 200


@pytest.mark.parametrize("where", ["agent page", "agent settings", "token page"])
def test_the_confirm_page_shows_the_facts(page, scouts, where):
    token_client(scouts[0]).get(SELF, headers={"user-agent": "curl/8"}, REMOTE_ADDR="203.0.113.9")
    path = pages(scouts)[where]

    shown = page("alice").get(path).content.decode()
    asked = page("alice").get(f"{path}/{STOP}").content.decode()

    assert f'href="{path}/{STOP}"' in shown
    assert "Stop “scout”?" in asked
    assert "<dt>Active tokens</dt><dd>2</dd>" in asked
    assert "<dt>Last used</dt><dd><time" in asked
    assert "<dt>Last used from</dt><dd>203.0.113.0/24, by curl</dd>" in asked


def test_a_token_of_the_parent_can_stop_the_agent(api, scouts):
    answer = api("alice").post(f"/ai-agents/scout/{STOP}")

    assert answer.status_code == 200
    assert "Stopped scout: 2 tokens deleted." in answer.content.decode()


def test_stopping_an_agent_twice_changes_nothing_more(api, scouts):
    alice = api("alice")
    alice.post(f"/ai-agents/scout/{STOP}")
    before = list(ApiToken.unscoped.order_by("id").values_list("deleted_at", flat=True))

    again = alice.post(f"/ai-agents/scout/{STOP}").content.decode()

    assert "no tokens deleted" in again
    assert list(ApiToken.unscoped.order_by("id").values_list("deleted_at", flat=True)) == before


def test_only_the_parent_can_stop_the_agent(api, page, scouts):
    agent = token_client(scouts[0])

    assert page("bob").post(f"/ai-agents/scout/{STOP}").status_code == 403
    assert api("alice", scope="read").post(f"/ai-agents/scout/{STOP}").status_code == 403
    refused = agent.post(f"{token_page(scouts[0])}/{STOP}")
    assert refused.status_code == 403
    assert "Your capabilities do not include 'stop_ai_agent'" in refused.content.decode()
    assert agent.get(SELF).status_code == 200


@pytest.mark.rule("agents.internal-stops")
def test_stopping_an_internal_agent_emits_the_event_and_revokes_no_token_of_others(page, scouts):
    body = page("alice").get("/ai-agents/steward").content.decode()

    assert STOP in body
    assert page("alice").post(f"/ai-agents/steward/{STOP}").status_code == 303
    assert Event.unscoped.filter(subject="agent", verb="stopped").count() == 1
    assert [token_client(each).get(SELF).status_code for each in scouts] == [200, 200]


def test_the_page_of_a_persons_own_token_has_no_stop_action(page):
    path = token_page(make_token("alice"))

    assert STOP not in page("alice").get(path).content.decode()
    assert page("alice").post(f"{path}/{STOP}").status_code == 403
