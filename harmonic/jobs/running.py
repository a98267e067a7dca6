"""Running one claimed job in a thread of the worker, and recording how it ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from traceback import format_exception
from typing import Any

from django.db import Error, connection
from django_tasks import TaskContext
from django_tasks.utils import normalize_json

from harmonic.jobs import claims
from harmonic.jobs.claims import Claim
from harmonic.kernel.database import outages
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations.jobs import JobFailed
from harmonic.kernel.operations.logs import log_fields
from harmonic.kernel.operations.redaction import without_tokens

TRACE_LENGTH = 20_000
# Attempts to record the end of a job while the database is unavailable, one per second.
RECORDED_WITHIN = 30
_log = logging.getLogger(__name__)


def run(claim: Claim) -> None:
    """Run a claimed job, and record its success, its next attempt or its failure."""
    with log_fields(job_id=str(claim.row.id), job=claim.row.task_path):
        try:
            value = _called(claim)
        except Exception as error:
            _failed(claim, error)
        else:
            _recorded(lambda: claims.succeed(claim, value))
            _log.info("A job has succeeded.")


def interrupted(claim: Claim) -> None:
    """Queue a job whose worker ended again, or let it fail, as its policy says."""
    with log_fields(job_id=str(claim.row.id), job=claim.row.task_path):
        _log.warning("A job was interrupted.")
        if claims.runs_again(claim):
            _recorded(lambda: claims.retry(claim, claims.INTERRUPTED))
        else:
            _give_up(claim, claims.INTERRUPTED, "", "")


def _called(claim: Claim) -> Any:
    task, sent = claim.row.task, claim.row.args_kwargs
    result: Any = claim.row.task_result
    context = (TaskContext(task_result=result),) if task.takes_context else ()
    with _tenant_of(claim):
        return normalize_json(task.call(*context, *sent["args"], **sent["kwargs"]))


def _tenant_of(claim: Claim) -> AbstractContextManager[None]:
    return tenant_bound(claim.tenant_id) if claim.tenant_id else nullcontext()


def _failed(claim: Claim, error: Exception) -> None:
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    is_expected = isinstance(error, JobFailed)
    reason = without_tokens(str(error)) if is_expected else kind
    is_last = claims.is_last_attempt(claim)
    if is_expected and not is_last:
        _log.info("A job failed and runs again.", extra={"audit": {"reason": reason}})
    else:
        _log.error("A job failed.", exc_info=error)
    if is_last:
        trace = without_tokens("".join(format_exception(error)))[-TRACE_LENGTH:]
        _give_up(claim, reason, kind, trace)
    else:
        _recorded(lambda: claims.retry(claim, reason))


def _give_up(claim: Claim, reason: str, kind: str, trace: str) -> None:
    """Record that a job has finally failed, after calling its `when_failed`.

    Until then, the job stays this worker's: if the process ends, another worker calls it again.
    """
    try:
        _close(claim)
    except Exception:
        _log.exception("The `when_failed` of a job raised an error.")
    _recorded(lambda: claims.fail(claim, reason, kind, trace))


def _close(claim: Claim) -> None:
    close = claim.policy.when_failed
    if close is not None:
        sent = claim.row.args_kwargs
        with _tenant_of(claim):
            close(*sent["args"], **sent["kwargs"])


def _recorded(record: Callable[[], bool]) -> None:
    """Record the end of a job; wait while the database is unavailable."""
    for attempt in range(RECORDED_WITHIN):
        try:
            if not record():
                _log.warning("A job was taken over by another worker before it ended.")
            return
        except Error as error:
            if not outages.is_outage(error) or attempt == RECORDED_WITHIN - 1:
                raise
            connection.close()
            time.sleep(1)
