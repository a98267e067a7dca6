"""The connections closed by a full process."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harmonic.server import worker
from harmonic.server.worker import ConnectionWorker

pytestmark = pytest.mark.one_database


@dataclass(eq=False)
class Waiting:
    """A connection that waits for its client."""

    address: str
    held: int = 0
    is_evicted: bool = False

    def evict(self) -> None:
        self.is_evicted = True


def with_waiting(*connections: Waiting) -> ConnectionWorker:
    process = ConnectionWorker.__new__(ConnectionWorker)
    process._waiting = dict.fromkeys(connections)  # type: ignore[arg-type]  # as far as it is used
    process._held = 0
    return process


def test_the_oldest_connection_of_the_busiest_address_is_closed() -> None:
    alone, first, second = Waiting("192.0.2.1"), Waiting("192.0.2.2"), Waiting("192.0.2.2")

    with_waiting(alone, first, second)._make_room()

    assert [alone.is_evicted, first.is_evicted, second.is_evicted] == [False, True, False]


def test_the_addresses_of_an_ipv6_network_count_as_one_client() -> None:
    alone = [Waiting("192.0.2.1"), Waiting("192.0.2.1")]
    network = [Waiting(f"2001:db8::{number}") for number in range(1, 4)]

    with_waiting(*alone, *network)._make_room()

    assert [each.is_evicted for each in (*alone, *network)] == [False, False, True, False, False]


def test_no_connection_is_closed_when_none_is_waiting() -> None:
    with_waiting()._make_room()


def test_above_the_maximum_of_bytes_the_largest_connection_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "MAX_HELD_BYTES", 100)
    small, large = Waiting("192.0.2.1", held=10), Waiting("192.0.2.1", held=90)
    process = with_waiting(small, large)

    process.count_held_bytes(100)
    assert not large.is_evicted
    process.count_held_bytes(1)
    assert (small.is_evicted, large.is_evicted) == (False, True)


def test_released_bytes_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MAX_HELD_BYTES", 100)
    large = Waiting("192.0.2.1", held=90)
    process = with_waiting(large)
    for size in (90, -90, 90):
        process.count_held_bytes(size)

    assert not large.is_evicted
