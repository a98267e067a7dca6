"""Rules of tenants: creating, joining and leaving them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import Tenant, TenantUser, User
from accounts.queries import agents_of
from accounts.rules import free_handle
from collectives.models import Collective, CollectiveMember
from collectives.queries import own_workspace
from collectives.rules.members import (
    add_member,
    archive_membership,
    lock_members,
    record_agent_left,
)
from harmonic.kernel.access import Access, CollectiveKind, UserType
from harmonic.kernel.database.tenancy import tenant_bound


def new_tenant(*, subdomain: str, name: str, host: str, now: datetime, **settings: Any) -> Tenant:
    """Create a tenant and its main collective. `host` is the base domain."""
    tenant = Tenant.objects.create(subdomain=subdomain, name=name, created_at=now, **settings)
    with tenant_bound(tenant.id):
        _new_main_collective(tenant, host, now)
    return tenant


def _new_main_collective(tenant: Tenant, host: str, now: datetime) -> Collective:
    return Collective.objects.create(
        tenant=tenant,
        name=f"{tenant.subdomain}.{host}",
        handle=tenant.subdomain,
        is_main=True,
        is_api_enabled=True,
        timezone=tenant.timezone,
        created_at=now,
        updated_at=now,
    )


def join_tenant(
    user: User, tenant: Tenant, *, now: datetime, handle: str = "", is_admin: bool = False
) -> TenantUser:
    """Add a user to a tenant, with a handle, the main collective and a private workspace."""
    person = TenantUser.objects.create(
        tenant=tenant,
        user=user,
        handle=handle or free_handle(user.name),
        display_name=user.name,
        is_admin=is_admin,
        created_at=now,
    )
    if user.user_type != UserType.COLLECTIVE_IDENTITY:
        main = Collective.objects.get(is_main=True)
        add_member(main, person, now=now)
        _new_workspace(person, now)
    return person


def _new_workspace(person: TenantUser, now: datetime) -> Collective:
    taken = Collective.objects.filter
    handle = secrets.token_hex(4)
    while taken(handle=handle).exists():
        handle = secrets.token_hex(4)
    workspace = Collective.objects.create(
        tenant_id=person.tenant_id,
        name="Private Workspace",
        handle=handle,
        kind=CollectiveKind.WORKSPACE,
        is_api_enabled=True,
        tempo="weekly",
        created_by=person.user,
        created_at=now,
        updated_at=now,
    )
    add_member(workspace, person, now=now, is_admin=True)
    return workspace


def leave_tenant(access: Access, person: TenantUser) -> None:
    """Remove a person and their agents from the tenant.

    Their rows and workspaces are archived, their memberships end, and they lose the role of tenant
    admin. None of this is restored automatically.
    """
    leaving = [person, *agents_of(person.user_id)]
    # Locked in the order of their ids, so that two removals cannot deadlock.
    for row in _collective_rows(leaving):
        lock_members(row.collective_id)
        row.refresh_from_db(fields=["archived_at"])
        if row.archived_at is None:
            _leave_with_the_tenant(access, row, person)
    for each in leaving:
        each.is_admin = False
        each.save(update_fields=["is_admin"])
        if each.archived_at is None:
            archive_person(each, access.now)


def _collective_rows(leaving: Sequence[TenantUser]) -> list[CollectiveMember]:
    rows = CollectiveMember.objects.filter(
        person__in=leaving, archived_at=None, collective__is_main=False
    )
    rows = rows.exclude(collective__kind=CollectiveKind.WORKSPACE)
    return list(rows.select_related("person__user").order_by("collective_id", "id"))


def _leave_with_the_tenant(access: Access, row: CollectiveMember, person: TenantUser) -> None:
    archive_membership(access, row)
    if row.person_id != person.id:
        record_agent_left(access, row)


def archive_person(person: TenantUser, now: datetime) -> None:
    """Archive a person in the tenant, and their workspace."""
    person.archive(now)
    _set_workspace_archived(person, now)


def unarchive_person(person: TenantUser) -> None:
    """Restore a person in the tenant, and their workspace. Their tokens stay revoked."""
    person.unarchive()
    _set_workspace_archived(person, None)


def _set_workspace_archived(person: TenantUser, at: datetime | None) -> None:
    if workspace := own_workspace(person.id):
        workspace.archived_at = at
        workspace.save(update_fields=["archived_at"])
