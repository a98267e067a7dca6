"""Limits of the runs of internal agents."""

from __future__ import annotations

from datetime import timedelta

from harmonic.runner import queries, queue
from harmonic.runner.engine import conversation, prompts
from harmonic.runner.models import RunStep, TaskRun
from harmonic.runner.rules import run_settings
from harmonic.site.bounds.bound import Bound, Section

_SETTINGS = run_settings()

RUNS = Section(
    "Runs of agents",
    (
        Bound("steps of a run", TaskRun.MOST_STEPS, "steps", "422 `invalid`"),
        Bound(
            "time of a run",
            timedelta(seconds=_SETTINGS.seconds),
            "",
            "the run ends (`time`)",
            "HARMONIC_RUN_SECONDS",
        ),
        Bound(
            "model tokens of a run",
            _SETTINGS.tokens,
            "tokens",
            "the run ends (`tokens`)",
            "HARMONIC_RUN_TOKENS",
        ),
        Bound(
            "runs of an agent at a time",
            _SETTINGS.per_agent,
            "runs",
            "further runs are queued",
            "HARMONIC_RUNS_PER_AGENT",
        ),
        Bound(
            "runs of a tenant at a time",
            _SETTINGS.per_tenant,
            "runs",
            "further runs are queued",
            "HARMONIC_RUNS_PER_TENANT",
        ),
        Bound("rows of a page of runs", queries.PAGE, "runs", "a link to older ones"),
        Bound("queued runs of an agent", TaskRun.MOST_QUEUED, "runs", "409 `limit_reached`"),
        Bound(
            "same tool call in a row",
            conversation.SAME_CALLS - 1,
            "calls",
            "the run ends (`repeated`)",
        ),
        Bound(
            "tool calls in a model's response",
            conversation.CALLS_PER_ANSWER,
            "calls",
            "further calls are refused, and count as steps",
        ),
        Bound(
            "text of a tool's result for a model",
            prompts.RESULT_LENGTH,
            "characters",
            "it is cut and says so",
        ),
        Bound(
            "wait for a model's response",
            timedelta(seconds=_SETTINGS.timeout),
            "",
            "the request is retried",
            "HARMONIC_LLM_TIMEOUT",
        ),
        Bound(
            "retries of a request to a model",
            _SETTINGS.retries,
            "retries",
            "the run ends (`model_unavailable`)",
            "HARMONIC_LLM_RETRIES",
        ),
        Bound("life of a run's token", TaskRun.TOKEN_LIFETIME, "", "401 `unauthorized`"),
        Bound(
            "a run without a heartbeat from its worker",
            queue.HEARTBEAT_AGE,
            "",
            "the run ends (`interrupted`)",
        ),
        Bound(
            "life of a run that ended",
            timedelta(days=_SETTINGS.kept_days),
            "",
            "it is deleted, with its steps",
            "HARMONIC_RUNS_KEPT_DAYS",
        ),
        Bound("text in a step of a run", RunStep.TEXT_LENGTH, "characters", "it is cut"),
        Bound("final message of a run", TaskRun.MESSAGE_LENGTH, "characters", "it is cut"),
    ),
)
