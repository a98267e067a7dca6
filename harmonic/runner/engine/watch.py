"""The watch of a run: its time, its heartbeat, and whether it was ended.

A model may think for minutes. It is asked in a thread of its own, so that the end of a run is
noticed within a second; its answer is then dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

from django.utils import timezone

from harmonic.kernel.operations.jobs import is_stopping
from harmonic.runner import queue
from harmonic.runner.engine.chat import ChatMessage, ChatModel, Reply
from harmonic.runner.models import Ending, TaskRun

# Seconds between two looks at the run while its model thinks.
LOOK_EVERY = 0.3


class RunEnds(Exception):
    """The end of a run: why, and the error. `because` is None if the run has ended already."""

    def __init__(self, because: Ending | None, error: str = "") -> None:
        super().__init__(because, error)
        self.because = because
        self.error = error


class Watch:
    """The watch of one run, which has `seconds` from now."""

    def __init__(self, run: TaskRun, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._deadline = monotonic() + seconds
        self._next_heartbeat = monotonic() + queue.HEARTBEAT_EVERY

    def check(self) -> None:
        """Pass while the run may go on, and keep it alive.

        Raises:
            RunEnds: its time is up, it was ended, or its agent can no longer act.
        """
        if monotonic() > self._deadline:
            raise RunEnds(Ending.TIME, f"The run took longer than {self._seconds:g} seconds.")
        if is_stopping():
            raise RunEnds(Ending.INTERRUPTED, queue.INTERRUPTED)
        if not queue.may_go_on(self._run):
            queue.end_now(self._run, timezone.now())
            raise RunEnds(None)
        if monotonic() > self._next_heartbeat:
            queue.keep_alive(self._run, timezone.now())
            self._next_heartbeat = monotonic() + queue.HEARTBEAT_EVERY

    def during(
        self, model: ChatModel, messages: Sequence[ChatMessage], tools: Sequence[Mapping[str, Any]]
    ) -> Reply:
        """Return the reply of a model, and watch the run while waiting for it.

        Raises:
            RunEnds: for the reasons of `check`; the model's reply is discarded.
            ModelUnavailable: the model does not reply.
        """
        answers: SimpleQueue[Reply | BaseException] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(model.reply(messages, tools))
            except BaseException as error:  # raised again in the thread of the run
                answers.put(error)

        self.check()
        threading.Thread(target=ask, name="run-model", daemon=True).start()
        while True:
            try:
                answer = answers.get(timeout=LOOK_EVERY)
            except Empty:
                self.check()
                continue
            self.check()
            if isinstance(answer, BaseException):
                raise answer
            return answer
