"""Jobs of the tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from collectives.models import Collective
from harmonic.kernel.operations.jobs import Interrupted, JobFailed, Policy, is_stopping, job

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


@job(Policy("Crash", attempts=2))
def crash() -> None:
    raise ValueError("Nobody expected this.")


@job(Policy("Repeat", attempts=3, if_interrupted=Interrupted.RETRY), is_long=True)
def repeat(value: Any) -> None:
    done.append(value)


# --- For workers in processes of their own --------------------------------------------------


def _append_line(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{line}\n")


def _work(path: str, name: str, is_done: Callable[[], bool]) -> None:
    _append_line(path, f"began {name}")
    while not is_done() and not is_stopping():
        time.sleep(0.02)
    _append_line(path, f"ended {name}")


def _in(seconds: float) -> Callable[[], bool]:
    """Return a function that tells whether the seconds have passed."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def _sign(path: Path) -> Path:
    """Return the file whose existence tells `write_again` to end."""
    return path.with_suffix(".end")


def let_end(path: Path) -> None:
    """Let `write_again` end."""
    _sign(path).touch()


def write_failure(path: str, name: str, seconds: float) -> None:
    _append_line(path, f"failed {name}")


@job(Policy("Write"))
def write(path: str, name: str, seconds: float) -> None:
    _work(path, name, _in(seconds))


@job(Policy("Write again", attempts=2, if_interrupted=Interrupted.RETRY), is_long=True)
def write_again(path: str, name: str) -> None:
    _work(path, name, _sign(Path(path)).exists)


@job(Policy("Write once", when_failed=write_failure), is_long=True)
def write_once(path: str, name: str, seconds: float) -> None:
    _work(path, name, _in(seconds))


@job(Policy("Go on", attempts=2, if_interrupted=Interrupted.RETRY), is_long=True)
def go_on(path: str, name: str) -> None:
    """Ignore that the worker is stopping."""
    _append_line(path, f"began {name}")
    time.sleep(60)


# --- For pages ------------------------------------------------------------------------------


@job(Policy("Deliver mail", shown=("to",)))
def deliver(tenant_id: str, to: str, key: str) -> None:
    raise JobFailed(f"The server refused {to}.")


@job(Policy("Run agent", is_retryable=False))
def unrepeatable(tenant_id: str) -> None:
    raise ValueError
