"""The demo model of local machines without an endpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest

from collectives.items.models import Item
from harmonic.runner import rules
from tests.fixtures.rows import change, member


@pytest.mark.rule("runs.demo-model")
def test_a_newcomer_sees_a_whole_run_without_a_key(world, runs):
    run = runs.carry_out()

    assert (run.status, run.ended_because, run.model) == ("completed", "finished", "demo")
    assert "demo model" in run.final_message
    assert [step.detail["path"] for step in runs.steps(run)] == [
        "/whoami",
        "/collectives/kitchen",
        "/collectives/kitchen/note",
    ]
    note = world.note("A note by the demo model")
    assert "demo model, which is a short script" in note.text
    assert note.item.created_by == world.user("steward")
    assert all("Demo model" in step.detail["said"] for step in runs.steps(run))
    assert (run.total_tokens, run.estimated_cost_usd) == (0, None)


def test_the_demo_model_writes_in_the_workspace_of_an_agent_without_collectives(world, runs):
    change(member(world, "steward"), archived_at=world.now)

    run = runs.carry_out()

    (*_, act) = runs.steps(run)
    assert not act.is_refused
    item = Item.unscoped.get(title="A note by the demo model")
    assert item.collective == world.workspace("steward")


def test_the_demo_model_says_that_its_note_was_refused(world, runs):
    change(world.agent("steward"), capability_names=[])

    run = runs.carry_out()

    assert run.ended_because == "finished"
    assert "was refused" in run.final_message
    assert runs.steps(run)[-1].detail["code"] == "capability_denied"


@pytest.mark.rule("runs.demo-model")
def test_production_has_no_demo_model(world, runs, settings):
    settings.IS_PRODUCTION = True

    assert not rules.is_demo()
    assert rules.model_of(runs.agent()) == ""


def test_an_endpoint_replaces_the_demo_model(world, runs, settings):
    settings.RUNS = replace(settings.RUNS, url="http://127.0.0.1:9/v1", models=("small", "large"))

    assert rules.model_of(runs.agent()) == "small"
