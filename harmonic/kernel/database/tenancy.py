"""Rows of a tenant, and their isolation.

The access middleware binds the tenant of a request once. `Model.objects` then returns only that
tenant's rows and raises if none is bound; saving another tenant's row raises too. `Model.unscoped`
is not restricted; `tests/access/test_isolation.py` lists its uses.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.db import models

# An ID that no row has, for comparisons that are never true.
NO_ID = UUID(int=0)

_bound: ContextVar[UUID | None] = ContextVar("tenant", default=None)


class NoTenantBound(RuntimeError):
    """A query for rows of a tenant while none is bound."""


class ForeignTenant(RuntimeError):
    """A row that is saved while another tenant is bound."""


def bound_tenant_id() -> UUID:
    """Return the id of the bound tenant.

    Raises:
        NoTenantBound: outside a request and outside `tenant_bound`.
    """
    tenant_id = _bound.get()
    if tenant_id is None:
        raise NoTenantBound("Bind a tenant before you query its rows.")
    return tenant_id


def bound_tenant() -> UUID | None:
    """Return the id of the bound tenant, or None."""
    return _bound.get()


def bind_tenant(tenant_id: UUID | None) -> None:
    _bound.set(tenant_id)


@contextmanager
def tenant_bound(tenant_id: UUID) -> Iterator[None]:
    """Bind a tenant for a block: in commands and tests."""
    token = _bound.set(tenant_id)
    try:
        yield
    finally:
        _bound.reset(token)


M = TypeVar("M", bound=models.Model, covariant=True)


class TenantManager(models.Manager[M]):
    """A manager of the rows of the bound tenant."""

    def get_queryset(self) -> models.QuerySet[M]:
        return super().get_queryset().filter(tenant_id=bound_tenant_id())


class TenantModel(models.Model):
    """A row of one tenant. `tenant_id` leads its unique constraints and indexes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.CASCADE, related_name="%(class)ss", db_index=False
    )

    objects = TenantManager()
    unscoped = models.Manager()  # noqa: DJ012 a manager too

    class Meta:
        abstract = True
        # Not restricted to the bound tenant: Django deletes and reloads rows through it.
        base_manager_name = "unscoped"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.tenant_id != bound_tenant_id():
            raise ForeignTenant(f"{type(self).__name__} of another tenant.")
        super().save(*args, **kwargs)


def parse_uuid(value: str) -> UUID | None:
    """Return the UUID in `value` if it is in canonical form, else None."""
    try:
        parsed = UUID(value)
    except (ValueError, AttributeError, TypeError):
        return None
    return parsed if str(parsed) == value.lower() else None
