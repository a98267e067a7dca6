"""What people store in a day: every write passes here with what it was given.

Whoever keeps the count registers a counter when the application starts, as sinks of the
security log do; the kernel knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harmonic.kernel.access import Access
from harmonic.kernel.refusals import Invalid

# Counts bytes for whoever acts, in the transaction of the write; it may refuse.
Counter = Callable[[Access, int], None]

_counters: list[Counter] = []


class StorageLimit(Invalid):
    """A write beyond what one person may store in a day; the form keeps what was typed."""

    status, code = 429, "storage_limit"

    def __init__(self, message: str, *, hint: str, retry_after: int) -> None:
        super().__init__(rest_message=message)
        self.message, self.hint = message, hint
        self.headers = {"Retry-After": str(retry_after)}


def add_counter(counter: Counter) -> None:
    if counter not in _counters:
        _counters.append(counter)


def count(access: Access, size: int) -> None:
    """Count `size` bytes as stored by whoever acts.

    It is called last in a transaction, so that the row of the count is locked only briefly.

    Raises:
        StorageLimit: it is more than one person may store in a day.
    """
    if size and access.actor is not None:
        for counter in _counters:
            counter(access, size)


def size_of(values: Any) -> int:
    """Return how many bytes the texts in a value have, at any depth."""
    if isinstance(values, str):
        return len(values.encode("utf-8", "surrogatepass"))
    if isinstance(values, Mapping):
        return sum(map(size_of, values.values()))
    if isinstance(values, list | tuple | set | frozenset):
        return sum(map(size_of, values))
    return 0
