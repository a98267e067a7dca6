"""People of the demo world who act on a surface, and what their acts leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.world import World
from tests.rules.surfaces import Caller

CallerFor = Callable[..., Caller]


@pytest.fixture(autouse=True)
def in_the_world(world: World) -> None:
    """Set up the demo world for every test."""


@pytest.fixture
def call(world: World, surface: str) -> CallerFor:
    """Return a caller on the surface of this run: `call("bob").act("leave_collective", …)`."""

    def caller(handle: str, tenant: str = "garden", **token: Any) -> Caller:
        return Caller(surface, handle, tenant, **token)

    return caller
