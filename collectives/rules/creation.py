"""Creation of collectives and their identity users."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from accounts.models import Tenant, TenantUser, User
from accounts.rules import handles_locked, is_taken, placeholder_email
from collectives.models import Collective
from collectives.rules.handles import checked_handle
from collectives.rules.members import add_member
from collectives.rules.tenants import join_tenant
from harmonic.kernel.access import Access, UserType


def new_collective(access: Access, *, name: str, handle: str, **settings: Any) -> Collective:
    """Create a standard collective and its identity user. The caller becomes its admin.

    Raises:
        Invalid: the handle is invalid or taken.
    """
    tenant = handles_locked(access.tenant.id)
    identity = _new_identity(tenant, name, checked_handle(handle), access.now)
    collective = Collective.objects.create(
        tenant=tenant,
        name=name,
        handle=handle,
        identity=identity,
        created_by_id=access.user.user_id,
        created_at=access.now,
        updated_at=access.now,
        **settings,
    )
    maker = TenantUser.objects.get(id=access.user.person_id)
    add_member(collective, maker, now=access.now, is_admin=True, is_representative=True)
    return collective


def _new_identity(tenant: Tenant, name: str, handle: str, now: datetime) -> TenantUser:
    user = User(
        name=name,
        email=placeholder_email(),
        user_type=UserType.COLLECTIVE_IDENTITY,
        created_at=now,
        updated_at=now,
    )
    user.set_unusable_password()
    user.save()
    free = secrets.token_hex(16) if is_taken(handle) else handle
    return join_tenant(user, tenant, now=now, handle=free)
