"""Suspension of accounts and its lifting, with their events in the security log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import TenantUser, User
from harmonic.kernel.operations import audit

NO_REASON = "No reason provided"


@transaction.atomic
def suspend(user: User, *, now: datetime, reason: str = "") -> list[User]:
    """Suspend an account and its agents in all tenants, and return the suspended agents.

    Sessions end, and tokens are revoked permanently.
    """
    agents = list(user.agents.filter(suspended_at=None))
    user.suspend(now, reason.strip() or NO_REASON)
    for agent in agents:
        agent.refresh_from_db()
    for facts in _facts([user, *agents]):
        audit.record("user_suspended", warn=True, **facts)
    return agents


@transaction.atomic
def end_suspension(user: User) -> None:
    """Lift the suspension of an account. Its agents stay suspended and its tokens revoked."""
    user.unsuspend()
    for facts in _facts([user]):
        audit.record("user_unsuspended", warn=True, **facts)


def _facts(users: Iterable[User]) -> Iterator[dict[str, Any]]:
    """Yield the facts of the event for the security log of each tenant of these accounts."""
    for user in users:
        rows = TenantUser.unscoped.filter(user=user, archived_at=None)
        for tenant_id in rows.values_list("tenant_id", flat=True):
            yield {
                "tenant_id": tenant_id,
                "person_id": user.id,
                "reason": user.suspended_reason or None,
                "with": "command",
            }
