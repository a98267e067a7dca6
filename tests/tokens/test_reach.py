"""The reach of a token: the page, its Markdown and the API agree."""

from __future__ import annotations

import pytest

from accounts.models import Tenant
from collectives.models import Collective, CollectiveMember
from harmonic.kernel.registry import actions, grantable
from tests.fixtures.rows import change
from tests.fixtures.world import BROWSER, make_token, token_client
from tokens.models import ApiToken

SELF = "/api/v1/tokens/self"


def reach_of(client):
    """Return the places of the token in use, by handle or kind."""
    answer = client.get(SELF)
    assert answer.status_code == 200, answer.content
    rows = answer.json()["reach"]
    return {
        row["collective"]["handle"] if row["collective"]["kind"] == "standard" else "workspace": row
        for row in rows
    }


def token_path(plaintext):
    row = ApiToken.unscoped.select_related("owner").get(token_prefix=plaintext[:8])
    return f"/u/{row.owner.handle}/settings/tokens/{row.id}"


# --- Where a token works --------------------------------------------------------------------


def test_the_reach_has_the_owners_collectives_and_no_others(api):
    assert list(reach_of(api("alice"))) == ["garden", "kitchen", "treasury", "workspace"]
    assert list(reach_of(api("alice", agent="scout"))) == ["garden", "kitchen", "workspace"]


@pytest.mark.parametrize("who", [{"handle": "alice"}, {"handle": "alice", "agent": "scout"}])
def test_requests_confirm_the_reach(api, who):
    client = api(**who)

    for row in client.get(SELF).json()["reach"]:
        met = client.get(f"{row['collective']['api_path']}/notes")
        assert row["open"] == (met.status_code == 200), row
        codes = [each["code"] for each in row["obstacles"]]
        assert met.status_code == 200 or met.json()["code"] in codes


def test_an_unknown_stored_scope_grants_nothing(world, page):
    plaintext = make_token("alice", scopes=["read:notes", "read:api_tokens", "read:gone"])

    reach = reach_of(token_client(plaintext))

    assert reach["kitchen"]["scopes"] == ["read:notes"]
    assert page("alice").get(token_path(plaintext)).status_code == 200


def test_a_disabled_api_comes_with_the_remedy_and_the_admins(api):
    treasury = reach_of(api("alice"))["treasury"]

    assert (treasury["open"], treasury["scopes"]) == (False, [])
    assert treasury["obstacles"] == [
        {
            "code": "api_disabled_collective",
            "reason": "The API is disabled in this collective.",
            "cure": "Carol can enable it in the collective's settings.",
            "path": "/collectives/treasury/settings",
            "who": [{"handle": "carol", "name": "Carol"}],
        }
    ]


def test_enabling_the_api_opens_a_collective_immediately(api):
    client = api("alice")
    Collective.unscoped.filter(handle="treasury").update(is_api_enabled=True)

    assert reach_of(client)["treasury"]["open"] is True


def test_a_collective_that_the_owner_left_is_not_in_the_reach(api, world):
    client = api("bob")
    rows = CollectiveMember.unscoped.filter(collective__handle="kitchen")
    rows.filter(person=world.person("bob")).update(archived_at=world.now)

    assert list(reach_of(client)) == ["garden", "workspace"]


def test_a_token_does_not_work_in_a_deactivated_collective(api, world):
    Collective.unscoped.filter(handle="kitchen").update(archived_at=world.now)

    kitchen = reach_of(api("bob"))["kitchen"]

    assert [each["code"] for each in kitchen["obstacles"]] == ["collective_archived"]


# --- Access in a collective -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "counting"),
    [
        (["read:all"], ["read:all"]),
        (["read:notes", "read:users"], ["read:notes"]),
        (["read:users", "read:api_tokens"], []),
    ],
)
def test_only_scopes_of_resources_in_collectives_apply(api, scopes, counting):
    kitchen = reach_of(api("alice", scopes=scopes))["kitchen"]

    assert kitchen["scopes"] == counting
    assert kitchen["open"] is bool(counting)
    assert [each["code"] for each in kitchen["obstacles"]] == (
        [] if counting else ["insufficient_scope"]
    )


def test_an_agent_without_public_writes_only_reads_in_the_main_collective(api, world):
    change(world.agent("scout"), may_write_publicly=False)

    places = reach_of(api("alice", agent="scout"))

    assert places["garden"]["scopes"] == ["read:all"]
    assert "create:all" in places["kitchen"]["scopes"]


CAPABLE = {
    "of nothing": ([], "read", "no_capabilities", "The agent's capabilities allow no writes."),
    "of reading": (["summarize"], "read", "no_capabilities", "capabilities allow no writes."),
    "of two": (
        ["create_note", "add_comment"],
        "read + write",
        "some_capabilities",
        "Limited by the agent's capabilities: create note, add comment.",
    ),
    "of many": (
        ["all"],
        "read + write",
        "some_capabilities",
        "Limited by the agent's capabilities ({count} of {count} actions).",
    ),
}


@pytest.mark.parametrize("case", CAPABLE)
def test_an_agents_access_is_limited_by_its_capabilities(api, page, world, case):
    capabilities, may, code, sentence = CAPABLE[case]
    change(world.agent("scout"), capability_names=capabilities)
    plaintext = make_token("alice", agent="scout")
    count = sum(not actions()[name].is_read for name in grantable())
    sentence = sentence.format(count=count)

    kitchen = reach_of(token_client(plaintext))["kitchen"]
    text = page("alice").get(token_path(plaintext) + ".md").content.decode()

    assert ("create:all" in kitchen["scopes"]) is (may != "read")
    assert kitchen["open"] is True
    assert kitchen["limit"]["code"] == code
    assert sentence in kitchen["limit"]["reason"]
    assert kitchen["limit"]["cure"] == "Alice can change them in the agent's settings."
    assert kitchen["note"] == f"{kitchen['limit']['reason']} {kitchen['limit']['cure']}"
    row = next(line for line in text.splitlines() if line.startswith("| [Kitchen Crew]"))
    assert f"| yes | {may}. " in row
    assert sentence in row
    assert "[change them in the agent's settings](/ai-agents/scout/settings)" in row


def test_capabilities_do_not_limit_a_read_only_token(api):
    kitchen = reach_of(api("alice", agent="scout", scope="read"))["kitchen"]

    assert (kitchen["limit"], kitchen["note"]) == (None, None)


# --- The token in use -----------------------------------------------------------------------


def test_any_active_token_can_read_itself(api, settings):
    settings.LIMIT_LOOPBACK = True
    answer = api("alice", scopes=["create:notes"]).get(SELF)

    body = answer.json()
    assert answer.status_code == 200
    assert body["scopes"] == ["create:notes"]
    assert "token" not in body
    assert body["rate"]["requests"] == {
        "limit": 300,
        "remaining": 299,
        "reset": body["rate"]["requests"]["reset"],
    }
    assert body["now"].endswith("Z")


def test_the_token_in_use_is_refused_while_the_tenants_api_is_disabled(api):
    client = api("alice")
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    for path in (SELF, "/u/alice/settings/tokens/self"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("scopes", [["read:all"], ["create:notes"]])
def test_the_token_in_use_has_a_page(api, scopes):
    text = api("alice", agent="scout", scopes=scopes).get("/u/scout/settings/tokens/self").content

    body = text.decode()
    assert "# API Token" in body
    assert "## Access by collective" in body
    assert "[Kitchen Crew](/collectives/kitchen)" in body
    assert "actions:" not in body


def test_self_is_404_for_other_owners_and_sessions(api, page):
    assert api("alice").get("/u/bob/settings/tokens/self").status_code == 404
    assert api("alice").get("/u/scout/settings/tokens/self").status_code == 404
    assert page("alice").get("/u/alice/settings/tokens/self").status_code == 404
    assert page("alice").get(SELF).status_code == 401


def test_the_page_of_the_token_in_use_has_no_actions(api):
    reader = api("alice", scope="read")
    path = "/u/alice/settings/tokens/self/actions/delete_api_token"

    assert reader.post(path).status_code == 404
    assert reader.get(SELF).status_code == 200


# --- The token page -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_page_shows_where_the_token_works_and_who_can_help(page, suffix):
    plaintext = make_token("alice")

    body = page("alice").get(token_path(plaintext) + suffix).content.decode()

    assert "Kitchen Crew" in body
    assert "read + write" in body
    assert "The API is disabled in this collective." in body
    assert "Carol" in body
    assert "Board Room" not in body


def test_the_page_of_an_agents_token_shows_the_agents_collectives(page):
    plaintext = make_token("alice", agent="scout")

    body = page("alice").get(token_path(plaintext)).content.decode()

    assert "Kitchen Crew" in body
    assert "Treasury" not in body.split("Access by collective")[1].split("</section>")[0]


def test_the_page_names_the_admins_while_the_tenants_api_is_disabled(page):
    plaintext = make_token("dave", tenant="harbor")

    body = page("dave", "harbor").get(token_path(plaintext) + ".md").content.decode()

    assert "The API is disabled for Harbor Makers." in body
    cure = "[enable it in the tenant's settings](/tenant-admin/settings)"
    assert f"[Alice](/u/alice) can {cure}." in body


def test_the_page_shows_each_collective_while_the_tenants_api_is_disabled(page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    body = page("alice").get(token_path(make_token("alice")) + ".md").content.decode()

    table = body.split("Access by collective")[1]
    assert "| no | read + write, once this is fixed |" in table
    assert "The API is disabled in this collective. [Carol](/u/carol) can" in table
    assert "[enable it in the collective's settings](/collectives/treasury/settings)" in table


def test_the_page_of_an_expired_token_says_so(page, world):
    plaintext = make_token("alice")
    ApiToken.unscoped.filter(token_prefix=plaintext[:8]).update(expires_at=world.now)

    body = page("alice").get(token_path(plaintext) + ".md").content.decode()

    assert "No access at the moment: The token has expired." in body
    assert token_client(plaintext).get(SELF, headers={"accept": BROWSER}).status_code == 401
