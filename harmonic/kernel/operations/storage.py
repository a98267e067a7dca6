"""The daily storage limit: every write reports the size of its parameters.

An application registers a counter when it starts, as it does for sinks of the security log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Invalid

# Counts bytes of the actor in the transaction of the write, and may refuse it.
Counter = Callable[[Access, int], None]

_counters: list[Counter] = []


class StorageLimit(Invalid):
    """The refusal of a write over the daily storage limit. The form keeps what was typed."""

    status, code = 429, "storage_limit"

    def __init__(self, message: str, *, hint: str, retry_after: int) -> None:
        super().__init__(rest_message=message)
        self.message, self.hint = message, hint
        self.headers = {"Retry-After": str(retry_after)}


def add_counter(counter: Counter) -> None:
    if counter not in _counters:
        _counters.append(counter)


def count(access: Access, size: int) -> None:
    """Count `size` bytes as stored by the actor.

    Called last in a transaction, so that the row of the count is locked only briefly.

    Raises:
        StorageLimit: the actor exceeds the daily storage limit.
    """
    if size and access.actor is not None:
        for counter in _counters:
            counter(access, size)


def size_of(values: Any) -> int:
    """Return the size of all texts in a value, at any depth, in bytes."""
    if isinstance(values, str):
        return len(values.encode("utf-8", "surrogatepass"))
    if isinstance(values, Mapping):
        return sum(map(size_of, values.values()))
    if isinstance(values, list | tuple | set | frozenset):
        return sum(map(size_of, values))
    return 0
