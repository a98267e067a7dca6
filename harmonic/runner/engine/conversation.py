"""The conversation of a run: ask the model, carry out its tool calls, until it finishes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from accounts.queries import people
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.redaction import without_tokens
from harmonic.kernel.rendering.text import storable
from harmonic.runner import queue
from harmonic.runner.engine import prompts
from harmonic.runner.engine.chat import (
    ChatMessage,
    ChatModel,
    Reply,
    ToolRequest,
    reply_message,
    result_message,
)
from harmonic.runner.engine.steps import Step
from harmonic.runner.engine.tool_calls import CallResult, TokenRevoked, ToolCalls
from harmonic.runner.engine.watch import RunEnds, Watch
from harmonic.runner.models import Ending, StepType, TaskRun
from harmonic.runner.rules import run_settings

# Tool calls of one response that are carried out; more are refused, and count as steps.
CALLS_PER_ANSWER = 8
# The same call this many times in a row ends the run.
SAME_CALLS = 3
NOT_AN_OBJECT = "The arguments are not a JSON object. Send the tool's parameters by name."
EMPTY = "The response is empty. Call a tool, or respond with your final message."
TOO_MANY = f"Not carried out: a response can have at most {CALLS_PER_ANSWER} tool calls."


@dataclass(slots=True)
class Repetition:
    """Counts how often the same call was made in a row."""

    last: object = None
    times: int = 0

    def count(self, call: object) -> bool:
        """Count a call, and return whether it was made too often in a row."""
        self.times = self.times + 1 if call == self.last else 1
        self.last = call
        return self.times >= SAME_CALLS


class Conversation:
    """The conversation of one run with its model."""

    def __init__(self, started: queue.Started, model: ChatModel, watch: Watch) -> None:
        self._run = started.run
        self._agent = started.agent
        self._model = model
        self._watch = watch
        self._tools = ToolCalls(started.agent.tenant.subdomain, started.token, str(started.run.id))
        self._repetition = Repetition()
        self._messages: list[ChatMessage] = []

    def final_message(self) -> str:
        """Go on until the model finishes, and return its final message.

        Raises:
            RunEnds: a limit was reached, or the run was ended.
            ModelUnavailable: the model does not answer.
        """
        parent_id = self._agent.user.parent_id
        with tenant_bound(self._run.tenant_id):
            (parent,) = people([parent_id]).values()
        self._messages += prompts.opening(self._run, self._agent, parent)
        tools = prompts.tools_for_chat()
        while True:
            reply = self._watch.during(self._model, self._messages, tools)
            self._count_tokens(reply)
            if reply.requests:
                self._carry_out(reply)
            elif text := reply.text.strip():
                return str(storable(without_tokens(text)))[: TaskRun.MESSAGE_LENGTH]
            else:
                self._refuse_empty()

    def _count_tokens(self, reply: Reply) -> None:
        queue.count_tokens(self._run, reply.input_tokens, reply.output_tokens, reply.cost)
        limit = run_settings().tokens
        if self._run.total_tokens > limit:
            raise RunEnds(Ending.TOKENS, f"The run used more than {limit:,} model tokens.")

    def _refuse_empty(self) -> None:
        step = self._begin(StepType.INVALID, {}, "")
        step.end(_refusal(EMPTY, "empty_answer"))
        self._messages.append({"role": "user", "content": EMPTY})

    def _carry_out(self, reply: Reply) -> None:
        """Carry out the tool calls of a reply, and add them with their results."""
        calls = [_sound(request) for request in reply.requests]
        results: list[ChatMessage] = []
        for number, (request, arguments) in enumerate(calls):
            step = self._begin(request.name, arguments, "" if number else reply.text)
            if arguments is None:
                result = _refusal(NOT_AN_OBJECT, "invalid")
            elif number >= CALLS_PER_ANSWER:
                result = _refusal(TOO_MANY, "too_many_calls")
            else:
                result = self._call(step, request.name, arguments)
            step.end(result)
            about = str((arguments or {}).get("path", ""))[:200]
            results.append(
                result_message(request, prompts.fenced(request.name, about, result.text))
            )
        self._messages.append(reply_message(reply, [request for request, _ in calls]))
        self._messages += results

    def _begin(self, name: str, arguments: Mapping[str, Any] | None, said: str) -> Step:
        """Begin a step.

        Raises:
            RunEnds: the run has ended or has no more steps, or repeats itself.
        """
        self._watch.check()
        run = self._run
        if run.steps_count >= run.max_steps:
            raise RunEnds(Ending.MAX_STEPS, f"The run used all of its {run.max_steps} steps.")
        step = Step(run, name, arguments or {}, said)
        if self._repetition.count((name, arguments)):
            step.end(_refusal(Ending.REPEATED.label, "repeated"))
            raise RunEnds(Ending.REPEATED, Ending.REPEATED.label)
        return step

    def _call(self, step: Step, name: str, arguments: Mapping[str, Any]) -> CallResult:
        try:
            return self._tools.call(name, arguments)
        except TokenRevoked:
            step.end(_refusal("The run has ended.", "run_ended"))
            queue.end_now(self._run, timezone.now())
            raise RunEnds(None) from None


def _refusal(message: str, code: str) -> CallResult:
    return CallResult(message, True, {"error": message, "code": code})


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _sound(request: ToolRequest) -> tuple[ToolRequest, dict[str, Any] | None]:
    """Return a tool call with its arguments; None if they are not a JSON object.

    Endpoints refuse a conversation with arguments that are not JSON.
    """
    try:
        arguments = json.loads(request.arguments, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        return request, arguments
    return replace(request, arguments="{}"), None
