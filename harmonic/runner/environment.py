"""The settings of runs, read from the environment with all others (`harmonic/settings.py`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environs import ValidationError, validate

from harmonic.environment import AT_LEAST_ONE

if TYPE_CHECKING:
    from environs import Env


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The endpoint of models and the limits of runs.

    `url` is that of an OpenAI-compatible API, such as `https://api.openai.com/v1`; "" if there is
    none. The first of `models` is the default. Times are in seconds.
    """

    url: str
    key: str
    models: tuple[str, ...]
    timeout: int
    retries: int
    seconds: int
    tokens: int
    per_agent: int
    per_tenant: int
    # Days until a run that ended is deleted.
    kept_days: int


def read(env: Env) -> RunSettings:
    """Read the settings of runs. An endpoint needs at least one model."""
    url = env.str("HARMONIC_LLM_URL", "", validate=check_url)
    names: Iterable[str] | None = (
        env.list("HARMONIC_LLM_MODELS") if url else env.list("HARMONIC_LLM_MODELS", [])
    )
    return RunSettings(
        url=(url or "").rstrip("/"),
        key=env.str("HARMONIC_LLM_KEY", ""),
        models=tuple(name.strip() for name in names or () if name.strip()),
        timeout=env.int("HARMONIC_LLM_TIMEOUT", 120, validate=AT_LEAST_ONE),
        retries=env.int("HARMONIC_LLM_RETRIES", 4, validate=validate.Range(min=0, max=10)),
        seconds=env.int("HARMONIC_RUN_SECONDS", 600, validate=AT_LEAST_ONE),
        tokens=env.int("HARMONIC_RUN_TOKENS", 200_000, validate=AT_LEAST_ONE),
        per_agent=env.int("HARMONIC_RUNS_PER_AGENT", 2, validate=AT_LEAST_ONE),
        per_tenant=env.int("HARMONIC_RUNS_PER_TENANT", 10, validate=AT_LEAST_ONE),
        kept_days=env.int("HARMONIC_RUNS_KEPT_DAYS", 90, validate=AT_LEAST_ONE),
    )


def check_url(value: str) -> None:
    """Check that a URL is empty or that of an HTTP server.

    Raises:
        ValidationError: the message says what to do.
    """
    if value and not value.startswith(("http://", "https://")):
        raise ValidationError(
            "It must be the URL of an OpenAI-compatible API, such as https://api.openai.com/v1."
        )
