"""What a token can reach right now: the page, its Markdown and the API say the same."""

from __future__ import annotations

import pytest

from accounts.models import Tenant
from collectives.models import Collective, CollectiveMember
from tests.fixtures.rows import change
from tests.fixtures.world import BROWSER, make_token, token_client
from tokens.models import ApiToken

SELF = "/api/v1/tokens/self"


def reach_of(client):
    """Return the places of the token in use by their handle or kind."""
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


# --- Where it gets in -----------------------------------------------------------------------


def test_it_names_the_owners_collectives_and_no_others(api):
    assert list(reach_of(api("alice"))) == ["garden", "kitchen", "treasury", "workspace"]
    assert list(reach_of(api("alice", agent="scout"))) == ["garden", "kitchen", "workspace"]


@pytest.mark.parametrize("who", [{"handle": "alice"}, {"handle": "alice", "agent": "scout"}])
def test_what_it_says_is_what_requests_meet(api, who):
    client = api(**who)

    for row in client.get(SELF).json()["reach"]:
        met = client.get(f"{row['collective']['api_path']}/notes")
        assert row["open"] == (met.status_code == 200), row
        codes = [each["code"] for each in row["obstacles"]]
        assert met.status_code == 200 or met.json()["code"] in codes


def test_a_stored_scope_that_does_not_exist_gives_nothing(world, page):
    plaintext = make_token("alice", scopes=["read:notes", "read:api_tokens", "read:gone"])

    reach = reach_of(token_client(plaintext))

    assert reach["kitchen"]["scopes"] == ["read:notes"]
    assert page("alice").get(token_path(plaintext)).status_code == 200


def test_a_switch_that_is_off_names_its_cure_and_the_admins(api):
    treasury = reach_of(api("alice"))["treasury"]

    assert (treasury["open"], treasury["scopes"]) == (False, [])
    assert treasury["obstacles"] == [
        {
            "code": "api_disabled_collective",
            "reason": "API is off in this collective.",
            "cure": "Carol can turn it on in its settings.",
            "path": "/collectives/treasury/settings",
            "who": [{"handle": "carol", "name": "Carol"}],
        }
    ]


def test_turning_the_switch_on_opens_it_at_once(api):
    client = api("alice")
    Collective.unscoped.filter(handle="treasury").update(is_api_enabled=True)

    assert reach_of(client)["treasury"]["open"] is True


def test_leaving_a_collective_takes_its_name_away(api, world):
    client = api("bob")
    rows = CollectiveMember.unscoped.filter(collective__handle="kitchen")
    rows.filter(person=world.person("bob")).update(archived_at=world.now)

    assert list(reach_of(client)) == ["garden", "workspace"]


def test_a_deactivated_collective_lets_nobody_in(api, world):
    Collective.unscoped.filter(handle="kitchen").update(archived_at=world.now)

    kitchen = reach_of(api("bob"))["kitchen"]

    assert [each["code"] for each in kitchen["obstacles"]] == ["collective_archived"]


# --- What it may do there -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "counting"),
    [
        (["read:all"], ["read:all"]),
        (["read:notes", "read:users"], ["read:notes"]),
        (["read:users", "read:api_tokens"], []),
    ],
)
def test_only_scopes_of_what_lies_in_collectives_count(api, scopes, counting):
    kitchen = reach_of(api("alice", scopes=scopes))["kitchen"]

    assert kitchen["scopes"] == counting
    assert kitchen["open"] is bool(counting)
    assert [each["code"] for each in kitchen["obstacles"]] == (
        [] if counting else ["insufficient_scope"]
    )


def test_an_agent_kept_from_public_writing_only_reads_in_the_main_collective(api, world):
    change(world.agent("scout"), may_write_publicly=False)

    places = reach_of(api("alice", agent="scout"))

    assert places["garden"]["scopes"] == ["read:all"]
    assert "create:all" in places["kitchen"]["scopes"]


CAPABLE = {
    "of nothing": ([], "read", "no_capabilities", "Its capabilities let it write nothing."),
    "of reading": (["summarize"], "read", "no_capabilities", "let it write nothing."),
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
        "Limited by the agent's capabilities (7 of 7 actions).",
    ),
}


@pytest.mark.parametrize("case", CAPABLE)
def test_what_an_agent_may_write_is_what_its_capabilities_hold(api, page, world, case):
    capabilities, may, code, sentence = CAPABLE[case]
    change(world.agent("scout"), capability_names=capabilities)
    plaintext = make_token("alice", agent="scout")

    kitchen = reach_of(token_client(plaintext))["kitchen"]
    text = page("alice").get(token_path(plaintext) + ".md").content.decode()

    assert ("create:all" in kitchen["scopes"]) is (may != "read")
    assert kitchen["open"] is True
    assert kitchen["limit"]["code"] == code
    assert sentence in kitchen["limit"]["reason"]
    assert kitchen["limit"]["cure"] == "Alice can change them in its settings."
    assert kitchen["note"] == f"{kitchen['limit']['reason']} {kitchen['limit']['cure']}"
    row = next(line for line in text.splitlines() if line.startswith("| [Kitchen Crew]"))
    assert f"| yes | {may}. " in row
    assert sentence in row
    assert "[change them in its settings](/ai-agents/scout/settings)" in row


def test_a_token_that_only_reads_is_limited_by_no_capability(api):
    kitchen = reach_of(api("alice", agent="scout", scope="read"))["kitchen"]

    assert (kitchen["limit"], kitchen["note"]) == (None, None)


# --- The token in use -----------------------------------------------------------------------


def test_any_live_token_may_ask_about_itself(api):
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


def test_with_the_tenants_switch_off_it_is_refused_like_everything(api):
    client = api("alice")
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    for path in (SELF, "/u/alice/settings/tokens/self"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("scopes", [["read:all"], ["create:notes"]])
def test_the_markdown_of_the_token_in_use_is_its_own_page(api, scopes):
    text = api("alice", agent="scout", scopes=scopes).get("/u/scout/settings/tokens/self").content

    body = text.decode()
    assert "# API Token" in body
    assert "## What this token can reach now" in body
    assert "[Kitchen Crew](/collectives/kitchen)" in body
    assert "actions:" not in body


def test_self_is_nobody_elses_and_nothing_for_a_session(api, page):
    assert api("alice").get("/u/bob/settings/tokens/self").status_code == 404
    assert api("alice").get("/u/scout/settings/tokens/self").status_code == 404
    assert page("alice").get("/u/alice/settings/tokens/self").status_code == 404
    assert page("alice").get(SELF).status_code == 401


def test_no_action_runs_below_self_whatever_the_scopes(api):
    reader = api("alice", scope="read")
    path = "/u/alice/settings/tokens/self/actions/delete_api_token"

    assert reader.post(path).status_code == 404
    assert reader.get(SELF).status_code == 200


# --- Its page -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_page_says_yes_no_and_who_can_help(page, suffix):
    plaintext = make_token("alice")

    body = page("alice").get(token_path(plaintext) + suffix).content.decode()

    assert "Kitchen Crew" in body
    assert "read + write" in body
    assert "API is off in this collective." in body
    assert "Carol" in body
    assert "Board Room" not in body


def test_the_page_of_an_agents_token_names_the_agents_collectives(page):
    plaintext = make_token("alice", agent="scout")

    body = page("alice").get(token_path(plaintext)).content.decode()

    assert "Kitchen Crew" in body
    assert "Treasury" not in body.split("What this token can reach now")[1].split("</section>")[0]


def test_the_page_of_a_tenant_with_its_switch_off_names_the_admins(page):
    plaintext = make_token("dave", tenant="harbor")

    body = page("dave", "harbor").get(token_path(plaintext) + ".md").content.decode()

    assert "The API is off for Harbor Makers." in body
    cure = "[turn it on in the tenant's settings](/tenant-admin/settings)"
    assert f"[Alice](/u/alice) can {cure}." in body


def test_with_the_tenants_switch_off_the_page_still_tells_each_collective(page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    body = page("alice").get(token_path(make_token("alice")) + ".md").content.decode()

    table = body.split("What this token can reach now")[1]
    assert "| no | read + write, once that is cured |" in table
    assert "API is off in this collective. [Carol](/u/carol) can" in table
    assert "[turn it on in its settings](/collectives/treasury/settings)" in table


def test_the_page_of_an_expired_token_says_what_to_do(page, world):
    plaintext = make_token("alice")
    ApiToken.unscoped.filter(token_prefix=plaintext[:8]).update(expires_at=world.now)

    body = page("alice").get(token_path(plaintext) + ".md").content.decode()

    assert "Nothing: The token has ended." in body
    assert token_client(plaintext).get(SELF, headers={"accept": BROWSER}).status_code == 401
