"""What is stored, to be compared before and behind a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, models

APPS = ("accounts", "agents", "tokens", "collectives", "items", "notes")
# What every request may write: sessions, wrong passwords counted, the security log, last uses.
LOGS = ("accounts.SecurityEvent", "tokens.TokenDay", "tokens.TokenRefusal")
USE = ("last_used_at", "last_used_from", "last_used_by")
COUNTS = ("counted_on", "counted_requests", "counted_refusals")
FREE = (
    "django_session",
    "axes_",
    "accounts_securityevent",
    "tokens_tokenday",
    "tokens_tokenrefusal",
)
WRITES = ("INSERT", "UPDATE", "DELETE")


def content_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in APPS and model._meta.label not in LOGS
    ]


def contents() -> dict[str, dict[Any, dict[str, Any]]]:
    """Return every row of every table that holds content, but for the last use of tokens."""
    found = {}
    for model in content_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if field.name not in (*USE, *COUNTS)
        ]
        rows = model._base_manager.order_by("pk").values(*names)
        found[model._meta.label] = {row[model._meta.pk.attname]: row for row in rows}
    return found


@contextmanager
def writes_noted() -> Iterator[list[str]]:
    """Yield a list that fills with the statements that write content."""
    written: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(WRITES) and not is_free(sql):
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield written


def is_free(sql: str) -> bool:
    table = sql.split('"')[1]
    return table.startswith(FREE) or any(
        sql.startswith("UPDATE") and f'SET "{name}"' in sql for name in (USE[0], COUNTS[0])
    )
