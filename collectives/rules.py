"""Rules of collectives: making them, joining and leaving, and who may do what in them."""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import datetime
from typing import Any

from accounts.models import Tenant, TenantUser, User
from accounts.rules import free_handle, handles_locked, is_reserved, is_taken
from collectives.models import Collective, CollectiveMember, Invite
from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    Denied,
    Forbidden,
    Invalid,
    Link,
    UserType,
)
from harmonic.kernel.tenancy import tenant_bound

HANDLE = re.compile(r"[a-z0-9-]+")
# A label of a host name (RFC 1123).
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

MUST_BE_ADMIN = "Unauthorized: must be admin"
WHO_COMES_IN = "People join with an invitation; an agent is added by the human who manages it."

REMOVED = "They see nothing of it from then on, nor do their tokens. What they wrote stays."

# --- Policies -------------------------------------------------------------------------------


def is_member(access: Access, target: Any) -> Denied | None:
    if access.is_member:
        return None
    return Denied("You are not a member of this collective", WHO_COMES_IN)


def is_collective_admin(access: Access, target: Any) -> Denied | None:
    if access.is_collective_admin and not access.here.is_workspace:
        return None
    return Denied(
        MUST_BE_ADMIN, "An admin of the collective can do it for you.", links=_members(access)
    )


def may_invite(access: Access, target: Any) -> Denied | None:
    if access.membership is not None and access.membership.may_invite:
        return None
    return Denied(
        "You do not have permission to invite people here.",
        "Its admins can invite, or let every member do it.",
        links=_members(access),
    )


def _members(access: Access) -> tuple[Link, ...]:
    """Return the way to the page that names a collective's admins."""
    return (Link("Members", f"{access.place.path}/members"),) if access.place else ()


def may_leave(access: Access, target: Any) -> Denied | None:
    """A member of a standard collective who does not leave it without an admin."""
    place = access.here
    if place.is_main or place.is_workspace:
        return Denied("Nobody leaves this collective.", "It goes with belonging to the tenant.")
    return is_member(access, target)


# --- Tenants, and joining them --------------------------------------------------------------


def checked_subdomain(sent: str) -> str:
    """Return the subdomain of a new tenant, which is its main collective's handle too.

    Raises:
        Invalid: malformed, reserved where handles are, or taken.
    """
    if not SUBDOMAIN.fullmatch(sent):
        raise Invalid.of("subdomain", "malformed_subdomain")
    if is_reserved_handle(sent):
        raise Invalid.of("subdomain", "reserved")
    if Tenant.objects.filter(subdomain=sent).exists():
        raise Invalid.of("subdomain", "taken")
    return sent


def new_tenant(*, subdomain: str, name: str, host: str, now: datetime, **settings: Any) -> Tenant:
    """Make a tenant with its main collective; `host` is the base domain."""
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
    """Bring a user into a tenant: handle, main collective, private workspace."""
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


# --- Collectives ----------------------------------------------------------------------------


def checked_handle(sent: str) -> str:
    """Return a collective's handle as sent.

    Raises:
        Invalid: blank, malformed, reserved or taken.
    """
    if not sent:
        raise Invalid.of("handle", "blank")
    if len(sent) > Collective.HANDLE_LENGTH:
        raise Invalid.of("handle", "too_long", limit=Collective.HANDLE_LENGTH)
    if not HANDLE.fullmatch(sent):
        raise Invalid.of("handle", "malformed_handle")
    if is_reserved_handle(sent):
        raise Invalid.of("handle", "reserved")
    if Collective.objects.filter(handle=sent).exists():
        raise Invalid.of("handle", "taken")
    return sent


def is_reserved_handle(handle: str) -> bool:
    return handle == "main" or is_reserved(handle)


def is_available(sent: str) -> bool:
    try:
        checked_handle(sent)
    except Invalid:
        return False
    return True


def new_collective(access: Access, *, name: str, handle: str, **settings: Any) -> Collective:
    """Make a standard collective with its identity user; the caller becomes its admin.

    Raises:
        Invalid: the handle cannot be taken.
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
        email=f"{uuid.uuid4()}@not-a-real-email.com",
        user_type=UserType.COLLECTIVE_IDENTITY,
        created_at=now,
        updated_at=now,
    )
    user.set_unusable_password()
    user.save()
    free = secrets.token_hex(16) if is_taken(handle) else handle
    return join_tenant(user, tenant, now=now, handle=free)


# --- Members --------------------------------------------------------------------------------


def add_member(
    collective: Collective,
    person: TenantUser,
    *,
    now: datetime,
    is_admin: bool = False,
    is_representative: bool = False,
) -> CollectiveMember:
    """Make somebody a member, or bring an archived membership back; roles are added."""
    row, is_new = CollectiveMember.objects.get_or_create(
        tenant_id=collective.tenant_id,
        collective=collective,
        person=person,
        defaults={
            "is_admin": is_admin,
            "is_representative": is_representative,
            "created_at": now,
        },
    )
    if is_new:
        return row
    row.archived_at = None
    row.is_admin = row.is_admin or is_admin
    row.is_representative = row.is_representative or is_representative
    row.save(update_fields=["archived_at", "is_admin", "is_representative"])
    return row


def remove_member(row: CollectiveMember, now: datetime) -> None:
    """End a membership: it is kept as archived, and gives nothing.

    Raises:
        Forbidden: the last admin would leave others behind.
    """
    if row.is_admin:
        refuse_last_admin(row, "The last admin cannot leave while others remain.")
    row.archived_at = now
    row.is_admin = row.is_representative = False
    row.save(update_fields=["archived_at", "is_admin", "is_representative"])


def refuse_last_admin(row: CollectiveMember, sentence: str) -> None:
    # The collective's row is the lock: two admins must not leave at the same moment.
    Collective.objects.select_for_update().get(id=row.collective_id)
    others = CollectiveMember.objects.active().filter(collective=row.collective_id)
    others = others.exclude(id=row.id)
    if others.exists() and not others.filter(is_admin=True).exists():
        raise Forbidden(sentence, hint="Make somebody else an admin first, on the members page.")


def new_invite(access: Access) -> Invite:
    return Invite.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.here.id,
        code=secrets.token_hex(16),
        created_by_id=access.user.user_id,
        expires_at=access.now + Invite.LIFETIME,
        created_at=access.now,
    )
