"""The engine of runs: start the next one, carry it out, and end it with the reason."""

from __future__ import annotations

import logging
from uuid import UUID, uuid4

from django.utils import timezone

from harmonic.agent_log import storing
from harmonic.runner import queue
from harmonic.runner.engine.chat import ChatModel, ModelUnavailable
from harmonic.runner.engine.conversation import Conversation
from harmonic.runner.engine.demo import DemoModel
from harmonic.runner.engine.watch import RunEnds, Watch
from harmonic.runner.models import Ending, TaskRun
from harmonic.runner.rules import DEMO_MODEL, end_run, is_demo, run_settings

UNEXPECTED = "An unexpected error ended the run. The server's log has the details."
_log = logging.getLogger(__name__)


def run_next_of(tenant_id: UUID) -> None:
    """Start the next queued run of a tenant, if one can start, and carry it out."""
    started = queue.claim_next(tenant_id, uuid4(), timezone.now())
    if started is None:
        return
    run, message = started.run, ""
    try:
        message = _carried_out(started)
        because, error = Ending.FINISHED, ""
    except RunEnds as ends:
        if ends.because is None:
            return
        because, error = ends.because, ends.error
    except ModelUnavailable as unavailable:
        because, error = Ending.MODEL_UNAVAILABLE, str(unavailable)
    except Exception:
        _log.exception("A run failed.")
        because, error = Ending.INTERRUPTED, UNEXPECTED
    except BaseException:
        end_run(run, Ending.INTERRUPTED, now=timezone.now(), error=queue.INTERRUPTED)
        raise
    finally:
        storing.flush()
    end_run(run, because, now=timezone.now(), error=error, final_message=message)


def _carried_out(started: queue.Started) -> str:
    """Carry out a run, and return the final message of the agent.

    Raises:
        RunEnds: the run ends without a final message.
        ModelUnavailable: the model does not answer.
    """
    watch = Watch(started.run, run_settings().seconds)
    model = model_for(started.run, started.agent.handle)
    try:
        return Conversation(started, model, watch).final_message()
    finally:
        model.close()


def model_for(run: TaskRun, handle: str) -> ChatModel:
    """Return the model that a run was started for.

    Raises:
        ModelUnavailable: the settings no longer offer it.
    """
    settings = run_settings()
    if run.model == DEMO_MODEL and is_demo():
        return DemoModel(handle)
    if not settings.url or run.model not in settings.models:
        raise ModelUnavailable(f"The model {run.model} is no longer available.")
    from harmonic.runner.engine.openai_chat import OpenAiChat

    return OpenAiChat(settings, run.model)
