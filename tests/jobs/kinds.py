"""Jobs of the tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from collectives.models import Collective
from harmonic.kernel.operations.jobs import Interrupted, JobFailed, Policy, job

done: list[Any] = []


def clear() -> None:
    done.clear()


def note_failure(**arguments: Any) -> None:
    done.append(("failed", arguments))


@job(Policy("Count collectives"))
def count_collectives(tenant_id: str) -> int:
    return Collective.objects.count()


@job(Policy("Append", attempts=3, backoff=timedelta(seconds=10)))
def append(value: Any) -> None:
    done.append(value)


@job(Policy("Fail", attempts=2, backoff=timedelta(seconds=10), when_failed=note_failure))
def fail(sentence: str) -> None:
    raise JobFailed(sentence)


@job(Policy("Leak", shown=("name",), when_failed=note_failure))
def leak(name: str, key: str) -> None:
    raise ValueError(f"The key {key} is wrong.")


@job(Policy("Repeat", attempts=3, if_interrupted=Interrupted.RETRY), is_long=True)
def repeat(value: Any) -> None:
    done.append(value)
