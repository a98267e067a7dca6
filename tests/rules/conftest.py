"""Fixtures of the tests of rules."""

from __future__ import annotations

import pytest

from tests.fixtures.world import World


@pytest.fixture(autouse=True)
def in_the_world(world: World) -> None:
    """Set up the demo world for every test."""
