"""Fixtures of the sweeps through all routes."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.access.routes import ids_of
from tests.fixtures.world import World, make_token


@pytest.fixture
def ids(world: World) -> dict[str, str]:
    make_token("bob")
    return ids_of(world)


@pytest.fixture
def quiet() -> Iterator[None]:
    """Disable logging during thousands of refusals."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
