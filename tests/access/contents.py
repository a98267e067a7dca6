"""The stored content, to compare before and after a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connection, models

APPS = (
    *("accounts", "agents", "tokens", "collectives", "items", "notes", "commitments", "decisions"),
    *("cycles", "links", "reminders", "reports", "tables"),
)
# Tables that any request can write: sessions, counted passwords, the security log, usage.
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
    """Return all rows of all content tables, without the usage of tokens."""
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
    """Yield a list to which statements that write content are added."""
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
