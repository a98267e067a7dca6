"""The form of an agent: presets of capabilities, and an agent that is not in a collective."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from collectives.models import CollectiveMember
from harmonic.kernel.capabilities import Level
from harmonic.kernel.registry import grantable, granted_actions
from tests.agents.test_agents import give
from tests.fixtures.rows import KITCHEN
from tests.fixtures.surfaces import HTML, MARKDOWN, REST, Caller, on
from tests.fixtures.world import World
from tokens.models import ApiToken

PRESETS = ("read", "contribute", "everything")


def granted_by(preset: str) -> list[str]:
    return {
        "read": [],
        "contribute": grantable(Level.USUAL),
        "everything": grantable(),
    }[preset]


def form_in(html: str) -> Any:
    """Return the form of an agent on a page."""
    page: Any = BeautifulSoup(html, "html.parser")
    return next(each for each in page("form") if each["action"].endswith("_ai_agent"))


def form_at(path: str) -> Any:
    return form_in(Caller(HTML, "bob").get(path).text)


def checked(form: Any, name: str) -> list[str]:
    return [box["value"] for box in form.select(f'[name="{name}"][checked]')]


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN, REST)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_grants_its_capabilities_to_a_new_agent(world, call, preset):
    call("bob").act("create_ai_agent", name="Gardener", preset=preset).assert_done()

    assert granted_actions(world.agent("gardener").capabilities) == granted_by(preset)


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_replaces_the_capabilities_of_an_agent(world, call, preset):
    give(world, "pilot", capability_names=["confirm_read", "vote"])

    call("bob").act("update_ai_agent", "/ai-agents/pilot", preset=preset).assert_done()

    assert granted_actions(world.agent("pilot").capabilities) == granted_by(preset)
    assert "vote" not in world.agent("pilot").capability_names


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN)
def test_saving_the_current_preset_keeps_what_is_stored(world, call):
    give(world, "pilot", capability_names=["all"])

    call("bob").act("update_ai_agent", "/ai-agents/pilot", preset="everything").assert_done()

    assert world.agent("pilot").capability_names == ["all"]


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN, REST)
def test_a_preset_takes_precedence_over_selected_actions(world, call):
    sent = {"preset": "read", "capabilities": ["create_note"]}

    call("bob").act("create_ai_agent", name="Gardener", **sent).assert_done()

    assert granted_actions(world.agent("gardener").capabilities) == []


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN, REST)
def test_custom_grants_the_selected_actions(world, call):
    sent = {"preset": "custom", "capabilities": ["create_note"]}

    call("bob").act("create_ai_agent", name="Gardener", **sent).assert_done()

    assert granted_actions(world.agent("gardener").capabilities) == ["create_note"]


@pytest.mark.rule("agents.presets")
@on(HTML, MARKDOWN, REST)
def test_an_unknown_preset_is_refused(call):
    call("bob").act("create_ai_agent", name="Gardener", preset="root").assert_invalid()


@pytest.mark.parametrize(
    ("names", "preset"),
    [
        ([], "read"),
        (["usual"], "contribute"),
        (["all"], "everything"),
        (["usual", *grantable(Level.CAREFUL)], "everything"),
        (["create_note"], "custom"),
    ],
    ids=["none", "usual", "all", "each", "one"],
)
def test_the_settings_form_selects_the_preset_of_the_agent(world, names, preset):
    give(world, "pilot", capability_names=names)

    assert checked(form_at("/ai-agents/pilot/settings"), "preset") == [preset]
    assert f"Preset: {preset}." in Caller(MARKDOWN, "bob").get("/ai-agents/pilot/settings").text


def test_the_form_of_a_new_agent_selects_contribute_and_no_token(world):
    form = form_at("/ai-agents/new")

    assert checked(form, "preset") == ["contribute"]
    assert checked(form, "generate_token") == []


def test_the_selected_form_of_a_new_agent_creates_no_token(world):
    Caller(HTML, "bob").act("create_ai_agent", name="Gardener", generate_token="").assert_done()

    assert not ApiToken.unscoped.filter(owner=world.person("gardener")).exists()


@pytest.mark.parametrize("path", ["/ai-agents/new", "/ai-agents/pilot/settings"])
def test_the_grid_belongs_to_custom_and_marks_unusual_actions(world, path):
    grid = form_at(path).select_one("fieldset.field--custom")
    marked = [label for label in grid.select("label") if "Unusual for an agent" in label.text]

    assert len(grid.select('[name="capabilities"][type="checkbox"]')) == len(grantable())
    assert sorted(label.input["value"] for label in marked) == sorted(grantable(Level.CAREFUL))


def test_a_refused_form_keeps_the_selected_preset(world):
    sent = {"name": "", "preset": "read", "capabilities": ["", "create_note"]}
    answer = Caller(HTML, "bob").act("create_ai_agent", **sent).assert_invalid()
    form = form_in(answer.text)

    assert checked(form, "preset") == ["read"]
    assert checked(form, "capabilities") == ["create_note"]


def leave_all(world: World, handle: str) -> None:
    CollectiveMember.unscoped.filter(
        person=world.person(handle), collective__kind="standard", collective__is_main=False
    ).delete()


@on(HTML, MARKDOWN)
def test_an_agent_in_no_collective_links_to_where_it_can_be_added(world, call):
    leave_all(world, "scout")

    shown = call("alice").get("/ai-agents/scout").text
    settings = call("alice").get("/ai-agents/scout/settings").text

    assert "Not in any collective yet" in shown
    assert "Add to collective" in shown
    assert "/ai-agents/scout/settings#collectives" in shown
    assert f"{KITCHEN}/members" in settings


@on(HTML, MARKDOWN)
@pytest.mark.parametrize("page", ["/ai-agents/pilot", "/ai-agents/pilot/settings"])
def test_a_parent_who_may_not_invite_gets_a_reason_instead_of_a_link(world, call, page):
    leave_all(world, "pilot")

    text = call("bob").get(page).text

    assert "Not in any collective yet" in text
    assert "an admin of a collective can change who may invite" in text
    assert "#collectives" not in text


@on(HTML)
def test_an_agent_in_a_collective_is_not_said_to_be_in_none(world, call):
    assert "Not in any collective" not in call("alice").get("/ai-agents/scout").text
