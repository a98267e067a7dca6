"""The form of a new token: owner, suggested values, prefilled links and warnings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Tenant, TenantUser
from collectives.models import Collective, CollectiveMember
from tests.fixtures.html import parsed
from tests.fixtures.world import make_token, single_line_text
from tests.tokens.test_cap import fill_up
from tokens.models import ApiToken

NEW = "/u/alice/settings/tokens/new"
CREATE = f"{NEW}/actions/create_api_token"


def values(answer):
    """Return what a page with the form would send, by parameter."""
    soup = parsed(answer.content)
    form = soup.select_one('form[action$="create_api_token"]')
    inside = form.select("input[name], select[name]")
    outside = soup.select(f'input[form="{form["id"]}"]')
    sent = {}
    for control in [*inside, *outside]:
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.select_one("option")
            sent[control["name"]] = chosen["value"]
        elif control.get("type") != "radio" or control.has_attr("checked"):
            sent[control["name"]] = control.get("value", "")
    return sent


def shown(answer):
    sent = values(answer)
    names = ("owner", "name", "read_write", "duration", "duration_unit", "note")
    return tuple(sent.get(name) for name in names)


# --- Values ---------------------------------------------------------------------------------


def test_the_form_suggests_thirty_days_of_reading_for_oneself(page, world):
    assert shown(page("alice").get(NEW)) == ("alice", "", "read", "30", "day(s)", "")


def test_a_program_that_names_no_duration_gets_twelve_months(api, world):
    api("alice", days=400).post(CREATE, {"name": "by default"})

    row = ApiToken.unscoped.get(name="by default")
    assert row.expires_at - row.created_at > timedelta(days=364)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name=ci&access=read&expires=30d", ("ci", "read", "30", "day(s)")),
        ("name=ci&access=write&expires=12h", ("ci", "write", "12", "hour(s)")),
        ("access=read+write&expires=2W", ("", "write", "2", "week(s)")),
        ("expires=3m", ("", "read", "3", "month(s)")),
        ("access=admin&expires=soon", ("", "read", "30", "day(s)")),
        ("expires=0d", ("", "read", "30", "day(s)")),
    ],
)
def test_a_prefilled_link_sets_name_access_and_expiry(page, world, query, expected):
    assert shown(page("alice").get(f"{NEW}?{query}"))[1:5] == expected


@pytest.mark.parametrize("name", ["name", "note"])
def test_the_browser_may_restore_what_was_typed(page, world, name):
    soup = parsed(page("alice").get(NEW).content)

    assert not soup.select_one(f"input[name={name}]").has_attr("autocomplete")


# --- The owner ------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", ["alice", "scout"])
def test_the_owner_of_the_page_is_preselected(page, world, handle):
    assert shown(page("alice").get(f"/u/{handle}/settings/tokens/new"))[0] == handle


def test_internal_agents_are_offered_disabled_with_the_reason(page, world):
    soup = parsed(page("alice").get(NEW).content)

    option = soup.select_one('input[name=owner][value="steward"]')
    assert option.has_attr("disabled")
    assert "Internal AI agents cannot have API tokens." in option.find_parent("label").get_text()


def test_a_person_without_agents_chooses_no_owner(page, world):
    assert "owner" not in values(page("carol").get("/u/carol/settings/tokens/new"))


def test_the_chosen_owner_gets_the_token(page, world):
    answer = page("alice").post(CREATE, {"name": "chosen", "owner": "scout"})

    row = ApiToken.unscoped.select_related("owner").get(name="chosen")
    assert row.owner.handle == "scout"
    assert f"/u/scout/settings/tokens/{row.id}" in answer.content.decode()


def test_a_refused_form_keeps_the_owner_and_everything_typed(page, world):
    fill_up(world, "scout", 50)
    typed = {
        "owner": "scout",
        "name": "ci",
        "read_write": "write",
        "duration": "2",
        "duration_unit": "week(s)",
        "note": "The laptop",
    }

    answer = page("alice").post(CREATE, typed)

    assert answer.status_code == 422
    assert shown(answer) == ("scout", "ci", "write", "2", "week(s)", "The laptop")


@pytest.mark.parametrize(
    ("handle", "status"), [("bob", 403), ("pilot", 403), ("steward", 403), ("nobody", 404)]
)
def test_no_token_is_created_for_another_owner(page, world, handle, status):
    before = ApiToken.unscoped.count()

    answer = page("alice").post(CREATE, {"name": "x", "owner": handle})

    assert answer.status_code == status
    assert ApiToken.unscoped.count() == before


@pytest.mark.parametrize("state", ["inactive", "suspended"])
def test_no_token_is_created_for_a_chosen_agent_that_cannot_have_one(page, world, state):
    if state == "inactive":
        TenantUser.unscoped.filter(id=world.person("scout").id).update(archived_at=world.now)
    else:
        world.user("scout").suspend(world.now)

    answer = page("alice").post(CREATE, {"name": "x", "owner": "scout"})

    assert answer.status_code == 403
    assert not ApiToken.unscoped.filter(name="x").exists()


def test_the_parameter_owner_is_not_described_to_agents(page, world):
    described = page("alice").get(f"{CREATE}.md").content.decode()

    assert "| note |" in described
    assert "| owner |" not in described


# --- The note -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_note_is_shown_on_the_token_and_in_the_list(page, world, suffix):
    browser = page("alice")
    browser.post(CREATE, {"name": "ci", "note": "GitHub secret <DEPLOY>"})
    path = f"/u/alice/settings/tokens/{ApiToken.unscoped.get(name='ci').id}"

    for shown_on in (path, "/u/alice/settings/tokens"):
        body = browser.get(shown_on + suffix).content.decode()
        assert "GitHub secret" in body
        assert "<DEPLOY>" not in body


def test_the_note_can_be_changed_kept_and_cleared(page, api, world):
    row = ApiToken.unscoped.get(token_prefix=make_token("alice")[:8])
    path = f"/u/alice/settings/tokens/{row.id}/actions/rename_api_token"

    def note_after(client, **sent):
        client.post(path, {"name": "ci", **sent})
        return ApiToken.unscoped.get(id=row.id).note

    assert note_after(page("alice"), note="The laptop") == "The laptop"
    assert note_after(api("alice")) == "The laptop"
    assert note_after(page("alice"), note="") == ""


@pytest.mark.parametrize("action", ["create_api_token", "rename_api_token"])
def test_a_note_has_at_most_255_characters(page, world, action):
    row = ApiToken.unscoped.get(token_prefix=make_token("alice")[:8])
    base = NEW if action == "create_api_token" else f"/u/alice/settings/tokens/{row.id}"

    answer = page("alice").post(f"{base}/actions/{action}", {"name": "x", "note": "n" * 256})

    assert answer.status_code == 422
    assert "n" * 256 in answer.content.decode()


# --- Warnings -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_form_warns_if_the_agent_is_in_no_open_collective(page, suffix):
    path = f"/u/scout/settings/tokens/new{suffix}"
    warning = "is not in any collective with the API enabled"
    assert warning not in page("alice").get(path).content.decode()

    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    assert warning in page("alice").get(path).content.decode()
    own = page("alice").get(f"{NEW}{suffix}").content.decode()
    assert warning not in own


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_warning_names_a_remedy(page, world, suffix):
    path = f"/u/scout/settings/tokens/new{suffix}"
    Collective.unscoped.filter(handle="kitchen").update(is_api_enabled=False)

    closed = page("alice").get(path).content.decode()
    CollectiveMember.unscoped.filter(
        person=world.person("scout"), collective__handle="kitchen"
    ).update(archived_at=world.now)
    alone = page("alice").get(path).content.decode()

    assert "The API is disabled in Kitchen Crew." in closed
    assert "/collectives/kitchen/settings" in closed
    assert "It is a member of no other collective." in alone
    assert "add it to one in the agent" in alone
    assert "/ai-agents/scout/settings" in alone


@pytest.mark.parametrize("suffix", ["", ".md"])
def test_the_remedy_is_one_that_the_parent_can_carry_out(page, world, suffix):
    """Bob cannot add members to the kitchen, so his agent's settings would not help."""
    bob, path = page("bob"), f"/u/pilot/settings/tokens/new{suffix}"

    cannot = bob.get(path).content.decode()
    Collective.unscoped.filter(handle="kitchen").update(all_members_can_invite=True)
    can = bob.get(path).content.decode()

    assert "create a collective and add the agent" in cannot
    assert "/collectives/new" in cannot
    assert "add it to one in the agent" in can


@pytest.mark.parametrize("state", ["inactive", "suspended"])
def test_the_form_of_an_agent_that_cannot_have_tokens_is_refused(page, world, state):
    if state == "inactive":
        TenantUser.unscoped.filter(id=world.person("scout").id).update(archived_at=world.now)
    else:
        world.user("scout").suspend(world.now)

    answer = page("alice").get("/u/scout/settings/tokens/new")

    assert answer.status_code == 403
    assert f"This agent is {state} and cannot have new tokens." in answer.content.decode()
    assert "/ai-agents/scout/settings" in answer.content.decode()


def test_the_form_warns_while_the_tenants_api_is_disabled(page):
    Tenant.objects.filter(subdomain="garden").update(is_api_enabled=False)

    body = single_line_text(page("alice").get(NEW))

    assert "The API is disabled for Garden" in body
    assert 'can <a href="/tenant-admin/settings">enable it' in body
