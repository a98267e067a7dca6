"""The steps of a run: stored before they are carried out, with their result afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from django.utils import timezone

from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.redaction import without_tokens
from harmonic.kernel.rendering.text import storable
from harmonic.mcp.tools import TOOLS
from harmonic.runner import queue
from harmonic.runner.engine.tool_calls import CallResult
from harmonic.runner.engine.watch import RunEnds
from harmonic.runner.models import RunStep, StepType, TaskRun

# Parameters of an action whose names are kept.
MOST_PARAMS = 50
_ASKED = ("path", "action", "query", "topic")
_ANSWERED = ("status", "code", "error", "hint")


class Step:
    """A step that is under way."""

    def __init__(self, run: TaskRun, name: str, arguments: Mapping[str, Any], said: str) -> None:
        """Store the step.

        Raises:
            RunEnds: the run has ended.
        """
        self._run = run
        self._row = RunStep(type=name if name in TOOLS else StepType.UNKNOWN)
        if name == StepType.INVALID:
            self._row.type = StepType.INVALID
        self._row.detail = _asked(name, arguments, said)
        if not queue.begin_step(run, self._row, timezone.now()):
            raise RunEnds(None)
        self._began = perf_counter()

    def end(self, result: CallResult) -> None:
        """Add the result."""
        row, facts = self._row, result.facts
        row.duration_ms = round((perf_counter() - self._began) * 1000)
        row.is_refused = result.is_error
        row.detail |= {name: _bounded(facts[name]) for name in _ANSWERED if name in facts}
        if isinstance(resource := facts.get("resource"), dict):
            row.detail["resource"] = {key: _bounded(value) for key, value in resource.items()}
        with tenant_bound(self._run.tenant_id):
            row.save(update_fields=["duration_ms", "is_refused", "detail"])


def _asked(name: str, arguments: Mapping[str, Any], said: str) -> dict[str, Any]:
    """Return what a step is about. It has the names of parameters, not their values."""
    known = {key: _bounded(arguments[key]) for key in _ASKED if arguments.get(key)}
    if said.strip():
        known["said"] = storable(without_tokens(said.strip()))[: RunStep.SAID_LENGTH]
    if name and name not in TOOLS and name != StepType.INVALID:
        known["tool"] = _bounded(name)
    if isinstance(params := arguments.get("params"), dict):
        known["params"] = [_bounded(str(key)) for key in list(params)[:MOST_PARAMS]]
    context = arguments.get("context")
    if isinstance(context, dict) and isinstance(context.get("intention"), str):
        known["intention"] = _bounded(context["intention"])
    return known


def _bounded(value: Any) -> Any:
    if isinstance(value, int | float | bool) or value is None:
        return value
    text = value if isinstance(value, str) else json.dumps(value)
    return storable(without_tokens(text))[: RunStep.TEXT_LENGTH]
