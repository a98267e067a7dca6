"""Runs of Alice's agent steward, with a scripted model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from harmonic.runner.engine import demo
from tests.runner.model_server import MODEL, ModelServer
from tests.runner.runs import Runs


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer().running() as server:
        yield server


@pytest.fixture
def model(server: ModelServer, settings: Settings) -> ModelServer:
    """Return a scripted model that runs use."""
    settings.RUNS = replace(
        settings.RUNS,
        url=server.url,
        key="secret-key",
        models=(MODEL,),
        timeout=5,
        retries=3,
        seconds=60,
    )
    return server


@pytest.fixture
def limit_runs(settings: Settings) -> Any:
    """Return a function that changes settings of runs."""

    def change(**values: Any) -> None:
        settings.RUNS = replace(settings.RUNS, **values)

    return change


@pytest.fixture(autouse=True)
def fast_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SECONDS_PER_REPLY", 0)


@pytest.fixture
def runs() -> Runs:
    return Runs()
