"""Declarations of background jobs, which the worker (`harmonic/jobs/`) runs.

A job is a task of django-tasks and what the worker needs to know about it. `enqueue` stores it in
the transaction of its caller. A job can run more than once, so its function is idempotent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from django_tasks import task
from django_tasks.base import Task

# Short jobs have reserved threads, so that they never wait for long ones.
SHORT, LONG = "default", "long"
QUEUES = (SHORT, LONG)
# The longest pause between two attempts.
MAX_BACKOFF = timedelta(hours=1)

P = ParamSpec("P")
T = TypeVar("T")


class Interrupted(Enum):
    """The action taken for a job whose worker ended while it ran."""

    RETRY = "it runs again, which counts as an attempt"
    FAIL = "it fails"


class JobFailed(Exception):
    """A failure whose message is shown to admins, so it contains no secrets."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The declaration of how the worker runs the jobs of one function.

    `backoff` is the pause after the first failed attempt; it doubles with each further one.
    `when_failed` is called with the job's arguments when it has finally failed, and again if the
    process ends during the call. `shown` are the arguments that admins see; others may be secret.
    `is_retryable` jobs that failed can be retried by an admin.
    """

    label: str
    attempts: int = 1
    backoff: timedelta = timedelta(seconds=10)
    if_interrupted: Interrupted = Interrupted.FAIL
    when_failed: Callable[..., None] | None = None
    shown: tuple[str, ...] = ()
    is_retryable: bool = True

    def pause(self, failures: int) -> timedelta:
        """Return the pause before the next attempt, after `failures` failed ones."""
        factor: int = 1 << min(failures - 1, 20)
        return min(self.backoff * factor, MAX_BACKOFF)


_policies: dict[str, Policy] = {}


def job(
    policy: Policy, *, is_long: bool = False, priority: int = 0
) -> Callable[[Callable[P, T]], Task[P, T]]:
    """Declare a function of a module as a job.

    A job of a tenant is enqueued with the argument `tenant_id`, and runs with that tenant bound.
    `is_long` jobs may take minutes; they check `is_stopping` between their steps.
    """

    def declare(function: Callable[P, T]) -> Task[P, T]:
        declared: Task[P, T] = task(queue_name=LONG if is_long else SHORT, priority=priority)(
            function
        )
        _policies[declared.module_path] = policy
        return declared

    return declare


def policy_of(task_path: str) -> Policy:
    """Return the policy of a task; one that was not declared with `job` has one attempt."""
    module, _, name = task_path.rpartition(".")
    with suppress(ImportError):  # a task of an earlier release
        import_module(module)
    return _policies.get(task_path) or Policy(name.replace("_", " ").capitalize())


# --- Stopping -------------------------------------------------------------------------------

_stopping = threading.Event()


def is_stopping() -> bool:
    """Return whether this worker is stopping: a long job should end now."""
    return _stopping.is_set()


def stop() -> None:
    """Ask the jobs of this process to end."""
    _stopping.set()


# --- Regular work ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Regular:
    """Work that the workers do once per period, for the whole site."""

    name: str
    every: timedelta
    function: Callable[[], Any]


_regular: dict[str, Regular] = {}


def do_regularly(name: str, every: timedelta, function: Callable[[], Any]) -> None:
    """Register work to do once per period, such as a purge. It is idempotent.

    Raises:
        ValueError: the name is taken.
    """
    known = _regular.get(name)
    if known is not None and known.function is not function:
        raise ValueError(f"Two functions are named {name!r}.")
    _regular[name] = Regular(name, every, function)


def regular_work() -> dict[str, Regular]:
    """Return the registered regular work, by name."""
    return dict(_regular)
