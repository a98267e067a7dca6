"""AI agents: creation, visibility, changes, revocation and deletion."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Tenant, TenantUser, User
from collectives.models import Collective
from harmonic.kernel import registry
from harmonic.kernel.actions import Action
from harmonic.kernel.capabilities import FORTHCOMING, Level, usual
from harmonic.kernel.registry import grantable, granted_actions
from tests.fixtures.rows import change, is_member
from tests.fixtures.surfaces import FORM, HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World, make_token, token_client
from tokens.models import ApiToken

# Capabilities whose actions do not exist yet.
LATER, KEPT, ADDED = sorted(FORTHCOMING)[:3]


def agents(tenant: str = "garden") -> set[str]:
    rows = TenantUser.unscoped.filter(tenant__subdomain=tenant, user__user_type="ai_agent")
    return set(rows.values_list("handle", flat=True))


def give(world: World, handle: str, **values: object) -> None:
    """Store values in an agent's row."""
    change(world.agent(handle), **values)


# --- Making ---------------------------------------------------------------------------------


@pytest.mark.rule("agents.person-creates")
@on(HTML, MARKDOWN, REST)
def test_a_person_creates_an_agent_of_their_own(world, call):
    call("bob").act("create_ai_agent", name="Gardener").assert_done()

    agent = world.person("gardener")
    assert agent.user.parent == world.user("bob")
    assert agent.user.is_agent
    assert is_member(world, "gardener", "garden")
    assert world.workspace("gardener")
    assert not is_member(world, "gardener", "kitchen")


@pytest.mark.rule("agents.agent-creates-none")
@on(MARKDOWN, REST)
def test_an_agent_creates_no_agent(call):
    before = agents()

    call("scout").act("create_ai_agent", name="Gardener").assert_refused(403)

    assert agents() == before


@pytest.mark.rule("agents.name-needed")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{}, {"name": ""}, {"name": "  "}])
def test_an_agent_without_a_name_is_not_created(call, sent):
    before = agents()

    call("bob").act("create_ai_agent", **sent).assert_invalid()

    assert agents() == before


@pytest.mark.rule("agents.mode-external-unless-internal")
@on(MARKDOWN, REST)
@pytest.mark.parametrize("sent", [{}, {"mode": "external"}, {"mode": "robot"}, {"mode": None}])
def test_an_agent_is_external_unless_created_as_internal(world, call, sent):
    call("bob").act("create_ai_agent", name="Gardener", **sent).assert_done()

    assert world.agent("gardener").mode == "external"


@pytest.mark.rule("agents.internal-needs-switch")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("is_on", [True, False])
def test_an_internal_agent_is_created_only_while_the_switch_is_on(call, is_on):
    Tenant.objects.filter(subdomain="garden").update(is_ai_agents_enabled=is_on)

    answer = call("bob").act("create_ai_agent", name="Gardener", mode="internal")

    assert answer.is_done() is is_on
    assert ("gardener" in agents()) is is_on


@pytest.mark.rule("agents.internal-needs-switch")
@on(HTML, MARKDOWN, REST)
def test_an_external_agent_needs_no_switch_for_agents(call):
    Tenant.objects.filter(subdomain="garden").update(is_ai_agents_enabled=False)

    call("bob").act("create_ai_agent", name="Gardener").assert_done()

    assert "gardener" in agents()


@pytest.mark.rule("agents.default-capabilities")
@on(MARKDOWN, REST)
def test_an_agent_created_without_capabilities_has_the_usual_ones(world, call):
    call("bob").act("create_ai_agent", name="Gardener").assert_done()

    held = granted_actions(world.agent("gardener").capabilities)
    assert held == grantable(Level.USUAL)
    assert "create_note" in held
    assert "delete_note" not in held


@pytest.mark.rule("agents.no-capabilities")
@on(MARKDOWN, REST)
def test_an_agent_created_with_an_empty_list_has_no_capabilities(world, call):
    call("bob").act("create_ai_agent", name="Gardener", capabilities=[]).assert_done()

    assert world.agent("gardener").capability_names == []


@pytest.fixture
def later_action(monkeypatch):
    """Return what registers the action `LATER`, as a later release would."""

    def arrive() -> Action[Any]:
        later = replace(registry.actions()["create_note"], name=LATER, grant=usual("Messages"))
        monkeypatch.setitem(registry.site.actions, LATER, later)
        return later

    return arrive


def may(world: World, handle: str, action: Action[Any]) -> bool:
    return world.agent(handle).capabilities.hold(action.name, action.grant)


@pytest.mark.rule("agents.later-usual")
@on(MARKDOWN, REST)
@pytest.mark.parametrize(
    ("sent", "gets"),
    [
        ({}, True),
        ({"capabilities": ["every usual one"]}, True),
        ({"capabilities": ["every usual one", "delete_note"]}, True),
        ({"capabilities": ["create_note"]}, False),
        ({"capabilities": []}, False),
    ],
)
def test_only_an_agent_with_every_usual_capability_gets_later_ones(
    world, call, later_action, sent, gets
):
    if "every usual one" in sent.get("capabilities", ()):
        sent = {"capabilities": [*grantable(Level.USUAL), *sent["capabilities"][1:]]}
    call("bob").act("create_ai_agent", name="Gardener", **sent).assert_done()

    later = later_action()

    assert may(world, "gardener", later) is gets
    assert may(world, "gardener", registry.actions()["delete_note"]) is (
        "delete_note" in sent.get("capabilities", ())
    )


@pytest.mark.rule("agents.later-usual")
def test_the_form_of_a_new_agent_grants_later_usual_capabilities_too(world, later_action):
    bob = Caller(HTML, "bob")

    selected = selected_in(bob, "/ai-agents/new")
    assert sorted(selected) == sorted(grantable(Level.USUAL))

    bob.act("create_ai_agent", name="Gardener", capabilities=selected)

    assert may(world, "gardener", later_action())


def selected_in(caller: Caller, page: str) -> list[str]:
    """Return the capabilities that a page's form has selected."""
    html = caller.get(page).text
    boxes = re.findall(r'<input[^>]*name="capabilities"[^>]*>', html)
    selected = [re.search(r'value="(\w*)"', box) for box in boxes if " checked" in box]
    return [found[1] for found in selected if found]


OLDER = ["create_note", LATER, KEPT]


@pytest.mark.rule("agents.forthcoming-kept")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize(
    ("older", "selected", "stored"),
    [
        (OLDER, ["add_comment"], ["add_comment", LATER, KEPT]),
        (OLDER, ["create_note", ADDED], ["create_note", LATER, KEPT, ADDED]),
        (OLDER, [], []),
        (["all"], ["create_note"], ["create_note", *sorted(FORTHCOMING)]),
    ],
)
def test_saving_settings_keeps_capabilities_that_no_form_shows(
    world, call, surface, older, selected, stored
):
    give(world, "pilot", capability_names=older)
    if surface != MARKDOWN:
        # A form without a tick still sends the name of the field.
        selected = ["", *selected]

    call("bob").act("update_ai_agent", "/ai-agents/pilot", capabilities=selected)

    assert world.agent("pilot").capability_names == stored


@pytest.mark.rule("agents.forthcoming-kept")
def test_a_capability_appears_when_its_action_does(world, later_action):
    bob = Caller(HTML, "bob")
    give(world, "pilot", capability_names=OLDER)
    pages = ("/ai-agents/pilot/settings", "/ai-agents/pilot/settings.md", "/help/agents")

    before = [bob.get(page).text for page in pages]
    assert not any(LATER in text or KEPT in text for text in before)

    later_action()
    after = [bob.get(page).text for page in pages]
    assert all(LATER in text for text in after)
    assert not any(KEPT in text for text in after)
    assert LATER in selected_in(bob, pages[0])


# The last two are words of stored lists that grant more than one capability.
STRANGE = ["fly", "create_collective", "create_api_token", "search", "usual", "all"]


@pytest.mark.rule("agents.unknown-capabilities-dropped")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("strange", STRANGE)
def test_a_capability_that_no_one_can_grant_is_not_stored(world, call, strange):
    sent = ["create_note", strange]

    answer = call("bob").act("create_ai_agent", name="Gardener", capabilities=sent)

    if answer.is_done():
        assert world.agent("gardener").capability_names == ["create_note"]
    else:
        answer.assert_invalid()
        assert "gardener" not in agents()


@pytest.mark.rule("agents.unknown-capabilities-dropped")
@on(HTML, FORM, MARKDOWN)
@pytest.mark.parametrize("strange", STRANGE)
def test_a_change_stores_no_capability_that_no_one_can_grant(world, call, strange):
    call("bob").act("update_ai_agent", "/ai-agents/pilot", capabilities=["create_note", strange])

    assert strange not in world.agent("pilot").capability_names


# --- Tokens of a new agent ------------------------------------------------------------------


@pytest.mark.rule("agents.generate-token")
@on(HTML, MARKDOWN, REST)
def test_an_external_agent_gets_a_token_that_is_shown_once(world, call):
    answer = call("bob").act("create_ai_agent", name="Gardener", generate_token=True)

    token = ApiToken.unscoped.get(owner=world.person("gardener"))
    plaintext = re.findall(r"hmn_\w{42}", answer.assert_done().text)[0]
    assert token_client(plaintext).get("/whoami").status_code == 200
    assert token.name == "Gardener's API Token"


@pytest.mark.rule("agents.internal-gets-no-token")
@on(HTML, MARKDOWN, REST)
def test_an_internal_agent_is_created_without_a_token(world, call):
    answer = call("bob").act(
        "create_ai_agent", name="Gardener", mode="internal", generate_token=True
    )

    assert "hmn_" not in answer.assert_done().text
    assert not ApiToken.unscoped.filter(owner=world.person("gardener")).exists()


# --- Seeing ---------------------------------------------------------------------------------


@pytest.mark.rule("agents.parent-sees")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("page", ["/ai-agents/pilot", "/ai-agents/pilot/settings"])
@pytest.mark.parametrize(("who", "status"), [("bob", 200), ("alice", 403), ("carol", 403)])
def test_only_the_parent_sees_the_pages_of_an_agent(call, page, who, status):
    assert call(who).get(page).status == status


@pytest.mark.rule("agents.parent-sees")
@on(MARKDOWN)
@pytest.mark.parametrize("who", ["pilot", "scout"])
@pytest.mark.parametrize("page", ["/ai-agents", "/ai-agents/new", "/ai-agents/pilot/settings"])
def test_an_agent_sees_no_page_about_agents(call, who, page):
    call(who).get(page).assert_refused(403)


@pytest.mark.rule("agents.unknown-not-found")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("handle", ["carol", "nobody-of-this-name"])
def test_people_have_no_agent_page(call, handle):
    call("bob").get(f"/ai-agents/{handle}").assert_refused(404)


@pytest.mark.rule("agents.archived-not-listed")
def test_an_archived_agent_is_not_among_the_users_in_rest(world):
    carol = Caller(REST, "carol")
    assert "pilot" in {each["handle"] for each in carol.get("/api/v1/users").json}

    Caller(HTML, "bob").act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()

    assert "pilot" not in {each["handle"] for each in carol.get("/api/v1/users").json}
    assert carol.get("/api/v1/users/pilot").json["archived_at"] is not None


@pytest.mark.rule("agents.own-listed")
@on(HTML, MARKDOWN)
def test_a_person_sees_their_own_agents_listed(call):
    text = call("bob").get("/ai-agents").assert_done().text

    assert "pilot" in text
    assert "steward" not in text


@pytest.mark.rule("agents.prompt-for-itself")
def test_only_the_agent_itself_reads_its_prompt_on_whoami(world):
    give(world, "scout", identity_prompt="Guard the recipe of the soup")

    assert "recipe of the soup" in Caller(MARKDOWN, "scout").get("/whoami").text
    for who in ("bob", "pilot"):
        assert "recipe of the soup" not in Caller(MARKDOWN, who).get("/whoami").text
        assert "recipe of the soup" not in Caller(MARKDOWN, who).get("/u/scout").text


@pytest.mark.rule("agents.whoami")
@on(MARKDOWN)
def test_whoami_shows_an_agent_its_parent_and_its_capabilities(world, call):
    give(world, "scout", capability_names=["usual"])

    text = call("scout").get("/whoami").assert_done().text

    assert "/u/alice" in text
    denied = text.partition("You cannot run: ")[2].partition("\n")[0]
    assert "`delete_note`" in denied
    assert "`delete_row`" in denied
    assert "create_note" not in text.partition("---\nnav:")[2]


# --- Changing -------------------------------------------------------------------------------


@pytest.mark.rule("agents.parent-changes")
@on(HTML, FORM, MARKDOWN, REST)
def test_a_parent_changes_their_agent(world, call):
    call("bob").act("update_ai_agent", "/ai-agents/pilot", name="Captain").assert_done()

    assert world.person("pilot").display_name == "Captain"


@pytest.mark.rule("agents.only-parent-changes")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "carol"])
@pytest.mark.parametrize("where", ["/ai-agents/pilot", "/u/pilot"])
def test_only_the_parent_changes_an_agent(world, call, who, where):
    action = "update_ai_agent" if where.startswith("/ai") else "update_profile"

    answer = call(who).act(action, where, name="Captain")

    answer.assert_refused(401 if answer.surface == REST else 403)
    assert world.person("pilot").display_name != "Captain"


@pytest.mark.rule("agents.never-changes-itself")
@on(MARKDOWN, REST)
def test_an_agent_does_not_change_itself(world, call):
    scout = call("scout")

    scout.act("update_profile", "/u/scout", name="Captain").assert_refused(403)
    scout.act("update_ai_agent", "/ai-agents/scout", name="Captain").assert_refused(403)

    assert world.person("scout").display_name != "Captain"


@pytest.mark.rule("agents.mode-fixed")
@on(HTML, FORM, MARKDOWN, REST)
@pytest.mark.parametrize(("handle", "mode"), [("pilot", "internal"), ("steward", "external")])
def test_the_mode_of_an_agent_does_not_change(world, call, handle, mode):
    who = "bob" if handle == "pilot" else "alice"
    before = world.agent(handle).mode

    call(who).act("update_ai_agent", f"/ai-agents/{handle}", name="Captain", mode=mode)

    assert world.agent(handle).mode == before


@pytest.mark.rule("agents.model-of-internal")
@on(MARKDOWN, REST)
@pytest.mark.parametrize(("mode", "model"), [("internal", "large"), ("external", "")])
def test_only_an_internal_agent_is_created_with_a_model(world, call, mode, model):
    sent = {"name": "Gardener", "mode": mode, "model": "large"}
    call("bob").act("create_ai_agent", **sent).assert_done()

    assert world.agent("gardener").model == model


@pytest.mark.rule("agents.model-of-internal")
@on(FORM, MARKDOWN)
@pytest.mark.parametrize(
    ("who", "handle", "model"), [("alice", "steward", "large"), ("bob", "pilot", "")]
)
def test_only_the_model_of_an_internal_agent_can_be_changed(world, call, who, handle, model):
    call(who).act("update_ai_agent", f"/ai-agents/{handle}", model="large")

    assert world.agent(handle).model == model


@pytest.mark.rule("agents.blank-unchanged")
@on(HTML, FORM, MARKDOWN)
def test_blank_fields_leave_an_agent_as_it_was(world, call, surface):
    give(world, "pilot", identity_prompt="Fly low")
    before = world.person("pilot")

    blank = {"identity_prompt": " "}
    if surface == MARKDOWN:
        blank |= {"name": "", "new_handle": ""}
    call("bob").act("update_ai_agent", "/ai-agents/pilot", **blank).assert_done()

    after = world.person("pilot")
    assert (after.display_name, after.handle) == (before.display_name, before.handle)
    assert world.agent("pilot").identity_prompt == "Fly low"


@pytest.mark.rule("agents.blank-name")
@on(HTML, FORM)
@pytest.mark.parametrize("field", ["name", "new_handle"])
def test_a_form_refuses_an_emptied_name_or_handle(world, call, field):
    before = world.person("pilot")

    call("bob").act("update_ai_agent", "/ai-agents/pilot", **{field: ""}).assert_invalid()

    after = world.person("pilot")
    assert (after.display_name, after.handle) == (before.display_name, before.handle)


# --- The scratchpad -------------------------------------------------------------------------


@pytest.mark.rule("agents.scratchpad")
@on(MARKDOWN)
def test_an_agent_replaces_and_clears_its_scratchpad(world, call):
    scout = call("scout")

    for content in ("First", "Second", ""):
        scout.act("update_scratchpad", content=content).assert_done()
        assert world.agent("scout").scratchpad == content


@pytest.mark.rule("agents.scratchpad-length")
@on(MARKDOWN)
@pytest.mark.parametrize(("length", "fits"), [(10_000, True), (10_001, False)])
def test_a_scratchpad_has_at_most_ten_thousand_characters(world, call, length, fits):
    answer = call("scout").act("update_scratchpad", content="x" * length)

    assert answer.is_done() is fits
    assert (len(world.agent("scout").scratchpad) == length) is fits


@pytest.mark.rule("agents.scratchpad-not-for-people")
@on(HTML, MARKDOWN)
def test_a_person_has_no_scratchpad(call):
    call("alice").act("update_scratchpad", content="Mine").assert_refused(403)


# --- Stopping, archiving, deleting ----------------------------------------------------------


@pytest.mark.rule("agents.parent-stops")
@on(HTML, MARKDOWN)
def test_a_parent_stops_their_agent(call):
    token = make_token("bob", agent="pilot")

    call("bob").act("stop_ai_agent", "/ai-agents/pilot").assert_done()

    assert token_client(token).get("/whoami").status_code == 401


@pytest.mark.rule("agents.only-parent-stops")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("action", ["stop_ai_agent", "deactivate_ai_agent"])
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_only_the_parent_stops_an_agent(world, call, action, who):
    token = make_token("bob", agent="pilot")

    call(who).act(action, "/ai-agents/pilot").assert_refused(403)

    assert token_client(token).get("/whoami").status_code == 200
    assert world.person("pilot").archived_at is None


@pytest.mark.rule("agents.parent-archives")
@on(HTML, MARKDOWN, REST)
def test_a_parent_deactivates_and_reactivates_their_agent(world, call):
    token = make_token("bob", agent="pilot")
    bob = call("bob")

    bob.act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()
    assert world.person("pilot").archived_at is not None
    assert room(world).archived_at is not None
    assert token_client(token).get("/whoami").status_code == 401

    bob.act("reactivate_ai_agent", "/ai-agents/pilot").assert_done()
    assert world.person("pilot").archived_at is None
    assert room(world).archived_at is None
    assert token_client(token).get("/whoami").status_code == 401


def room(world: World) -> Collective:
    return Collective.unscoped.get(kind="private_workspace", members__person=world.person("pilot"))


@pytest.mark.rule("agents.only-parent-archives")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_only_the_parent_archives_an_agent(world, call, who):
    answer = call(who).act("deactivate_ai_agent", "/ai-agents/pilot")

    answer.assert_refused(401 if answer.surface == REST else 403)
    assert world.person("pilot").archived_at is None


@pytest.mark.rule("agents.only-parent-archives")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("who", ["alice", "carol"])
def test_only_the_parent_reactivates_an_agent(world, call, who):
    Caller(HTML, "bob").act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()

    answer = call(who).act("reactivate_ai_agent", "/ai-agents/pilot")

    assert not answer.is_done()
    assert world.person("pilot").archived_at is not None


@pytest.mark.rule("agents.never-archives")
@pytest.mark.parametrize(
    ("surface", "action"),
    [
        (MARKDOWN, "stop_ai_agent"),
        (MARKDOWN, "deactivate_ai_agent"),
        (MARKDOWN, "reactivate_ai_agent"),
        (REST, "deactivate_ai_agent"),
        (REST, "reactivate_ai_agent"),
    ],
)
def test_an_agent_neither_stops_nor_archives_itself(world, call, action):
    call("scout").act(action, "/ai-agents/scout").assert_refused(403)

    assert world.person("scout").archived_at is None


@pytest.mark.rule("agents.oneself-not-archived")
def test_archiving_oneself_in_rest_does_nothing(world):
    Caller(REST, "bob").act("deactivate_ai_agent", "/u/me")

    assert world.person("bob").archived_at is None


@pytest.mark.rule("agents.archived-title")
@on(HTML, MARKDOWN)
def test_the_profile_of_an_inactive_agent_is_marked(call):
    assert "(Archived)" not in call("carol").get("/u/pilot").text
    Caller(HTML, "bob").act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()

    assert "(Archived)" in call("carol").get("/u/pilot").assert_done().text


@pytest.mark.rule("agents.archived-gets-no-token")
@on(HTML, FORM, MARKDOWN, REST)
def test_no_token_is_created_for_an_inactive_agent(world, call):
    Caller(HTML, "bob").act("deactivate_ai_agent", "/ai-agents/pilot").assert_done()
    sent = {"scopes": ["read:all"]} if call("bob").surface == REST else {"name": "New"}

    assert not call("bob").act("create_api_token", "/u/pilot", **sent).is_done()

    assert not ApiToken.unscoped.filter(owner=world.person("pilot"), name="New").exists()


@pytest.mark.rule("agents.parent-deletes-unused")
@on(REST)
def test_a_parent_deletes_an_agent_that_wrote_nothing(call):
    call("bob").act("delete_ai_agent", "/ai-agents/pilot").assert_done()

    assert "pilot" not in agents()


@pytest.mark.rule("agents.content-keeps-agent")
@on(REST)
def test_an_agent_with_content_is_not_deleted(call):
    Caller(MARKDOWN, "pilot").act("create_note", "", text="I was here").assert_done()

    call("bob").act("delete_ai_agent", "/ai-agents/pilot").assert_refused(400, "archived")

    assert "pilot" in agents()


@pytest.mark.rule("agents.only-parent-deletes")
@on(REST)
@pytest.mark.parametrize(
    ("who", "status"), [("alice", 401), ("carol", 401), ("scout", 403), ("pilot", 403)]
)
def test_only_the_parent_deletes_an_agent(call, who, status):
    call(who).act("delete_ai_agent", "/ai-agents/pilot").assert_refused(status)

    assert "pilot" in agents()


@pytest.mark.rule("agents.people-not-deleted")
@on(REST)
@pytest.mark.parametrize(("about", "status"), [("me", 403), ("bob", 403), ("carol", 401)])
def test_people_are_not_deleted_in_rest(world, call, about, status):
    call("bob").act("delete_ai_agent", f"/u/{about}").assert_refused(status)

    assert User.objects.filter(pk__in=[world.user("bob").pk, world.user("carol").pk]).count() == 2
