"""The right to run an agent, and what the agent needs for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from django.utils import timezone

from harmonic.access.access_as import access_as
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.parameters.decoding import RawParams, validated
from harmonic.kernel.refusals import Invalid
from harmonic.kernel.scopes import Verb
from harmonic.runner.actions import RunParams, cancel_ai_agent_run, run_ai_agent
from harmonic.runner.rules import AgentRun
from tests.fixtures.rows import change


def denied(runs, caller="alice", agent="steward"):
    target = runs.agent(agent)
    access = access_as("garden", caller, now=timezone.now())
    with tenant_bound(target.tenant_id):
        return run_ai_agent.denied(access, target)


@pytest.mark.rule("runs.parent-runs")
def test_the_parent_can_run_an_internal_agent(world, runs):
    assert denied(runs) is None


@pytest.mark.rule("runs.only-parent-runs")
@pytest.mark.parametrize("caller", ["bob", "carol"])
def test_other_people_cannot_run_it(world, runs, caller):
    refused = denied(runs, caller)

    assert refused is not None
    assert refused.reason == "Only the person who manages the agent can do that."


@pytest.mark.rule("runs.not-by-agents")
@pytest.mark.parametrize("caller", ["scout", "steward"])
@pytest.mark.parametrize("action", [run_ai_agent, cancel_ai_agent_run], ids=lambda each: each.name)
def test_agents_never_run_or_cancel(world, runs, caller, action):
    change(world.agent(caller), capability_names=["all"])
    agent = runs.agent()
    target = agent if action is run_ai_agent else AgentRun(agent, runs.queue())
    access = access_as("garden", caller, now=timezone.now())

    with tenant_bound(agent.tenant_id):
        refused = action.denied(access, target)

    assert refused is not None
    assert refused.code == "capability_denied"
    assert action.scope.verb is not Verb.READ


@pytest.mark.rule("runs.only-parent-cancels")
def test_only_the_parent_can_cancel(world, runs):
    agent = runs.agent()
    target = AgentRun(agent, runs.queue())

    with tenant_bound(agent.tenant_id):
        for caller, is_allowed in (("alice", True), ("bob", False), ("carol", False)):
            access = access_as("garden", caller, now=timezone.now())
            assert (cancel_ai_agent_run.denied(access, target) is None) is is_allowed


@pytest.mark.rule("runs.internal-only")
def test_external_agents_are_not_run(world, runs):
    refused = denied(runs, agent="scout")

    assert refused is not None
    assert refused.reason == "Harmonic does not run external agents."


STATES = {
    "inactive": (
        lambda world: change(world.person("steward"), archived_at=world.now),
        "This agent is inactive.",
    ),
    "suspended": (
        lambda world: change(world.user("steward"), suspended_at=world.now),
        "This agent is suspended.",
    ),
    "parent suspended": (
        lambda world: change(world.user("alice"), suspended_at=world.now),
        "This agent is suspended.",
    ),
    "paused": (
        lambda world: change(world.agent("steward"), paused_at=world.now),
        "This agent is paused.",
    ),
    "switched off": (
        lambda world: change(world.tenant(), is_ai_agents_enabled=False),
        "AI Agents feature is not enabled for this tenant",
    ),
}


@pytest.mark.rule("runs.able-to-act")
@pytest.mark.parametrize("name", STATES)
def test_an_agent_that_cannot_act_is_not_run(world, runs, name):
    do, reason = STATES[name]
    do(world)

    refused = denied(runs)

    assert refused is not None
    assert refused.reason == reason
    assert refused.hint


@pytest.mark.meets("steps of a run")
@pytest.mark.parametrize("steps", [0, 51, -1, "many"])
def test_a_run_has_one_to_fifty_steps(steps):
    assert validated(RunParams, RawParams({"task": "Look.", "max_steps": 50}))["max_steps"] == 50

    with pytest.raises(Invalid) as refused:
        validated(RunParams, RawParams({"task": "Look.", "max_steps": steps}))

    assert {problem.param for problem in refused.value.problems} == {"max_steps"}


# --- Models ---------------------------------------------------------------------------------


@pytest.mark.rule("runs.needs-model")
def test_production_without_an_endpoint_says_what_is_missing_and_who_can_set_it(
    world, runs, settings
):
    settings.IS_PRODUCTION = True

    refused = denied(runs)

    assert refused is not None
    assert refused.code == "model_unavailable"
    assert "The operator of this site" in refused.hint
    for name in ("HARMONIC_LLM_URL", "HARMONIC_LLM_KEY", "HARMONIC_LLM_MODELS"):
        assert name in refused.hint


@pytest.mark.rule("runs.needs-model")
def test_a_model_that_is_not_offered_is_named_with_those_that_are(world, runs, settings):
    settings.RUNS = replace(settings.RUNS, url="http://127.0.0.1:9/v1", models=("small", "large"))
    change(world.agent("steward"), model="huge")

    refused = denied(runs)

    assert refused is not None
    assert refused.reason == "The model huge is not available."
    assert "default, small, large" in refused.hint


@pytest.mark.parametrize(
    ("chosen", "used"), [("default", "small"), ("", "small"), ("large", "large")]
)
def test_an_agent_uses_its_model(world, runs, settings, chosen, used):
    settings.RUNS = replace(settings.RUNS, url="http://127.0.0.1:9/v1", models=("small", "large"))
    change(world.agent("steward"), model=chosen)

    assert runs.queue().model == used


def test_a_run_whose_model_is_no_longer_offered_fails(world, model, runs, limit_runs):
    run = runs.queue()
    limit_runs(models=("another",))

    runs.work()

    ended = runs.again(run)
    assert (ended.status, ended.ended_because) == ("failed", "model_unavailable")
    assert ended.error == "The model scripted is no longer available."


# --- The web process ------------------------------------------------------------------------

LOADED = """
import django, sys
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import harmonic.wsgi
print([name for name in ("openai", "httpx2", "harmonic.runner.engine.loop") if name in sys.modules])
"""


def test_the_web_process_does_not_import_the_client_of_models():
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        check=True,
        env={"DJANGO_SETTINGS_MODULE": "harmonic.settings", "HARMONIC_ENV": "local"},
    )

    assert done.stdout.decode().strip() == "[]"


ENVIRONMENT = """
import django
django.setup()
from django.conf import settings
print(settings.RUNS.url, settings.RUNS.models)
"""


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"HARMONIC_LLM_URL": "localhost:11434/v1", "HARMONIC_LLM_MODELS": "a"},
            "HARMONIC_LLM_URL",
        ),
        ({"HARMONIC_LLM_URL": "http://localhost:11434/v1"}, "HARMONIC_LLM_MODELS"),
    ],
    ids=["no URL", "no models"],
)
def test_a_server_does_not_start_with_half_an_endpoint(environment, said):
    done = subprocess.run(
        [sys.executable, "-c", ENVIRONMENT],
        capture_output=True,
        check=False,
        env={"DJANGO_SETTINGS_MODULE": "harmonic.settings", **environment},
    )

    assert done.returncode != 0
    assert said in done.stderr.decode()
