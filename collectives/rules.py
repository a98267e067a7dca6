"""Rules of collectives: making them, joining and leaving, and who may do what in them."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.models import Tenant, TenantUser, User
from accounts.queries import agents_of
from accounts.rules import (
    free_handle,
    handles_locked,
    is_reserved,
    is_taken,
    looks_like_an_id,
    placeholder_email,
    someone,
)
from collectives.models import Collective, CollectiveMember, Invite
from collectives.queries import agent_rows, own_workspace
from harmonic.kernel.access import Access, CollectiveKind, UserType
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.wording import enumerated
from harmonic.kernel.refusals import Denied, Forbidden, Invalid, Link, Problem

HANDLE = re.compile(r"[a-z0-9-]+")
# A label of a host name (RFC 1123).
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

ASK_AN_ADMIN = "An admin of the collective can do it for you."
WHO_COMES_IN = "People join with an invitation; an agent is added by the human who manages it."

REMOVED = (
    "They, their agents and their tokens lose access immediately. What they wrote stays. They can"
    " rejoin with an invitation made after the removal; links made before it no longer work for"
    " them."
)
AGENT_REMOVED = (
    "The agent and its tokens lose access immediately. What it wrote stays. Its human can add it"
    " again."
)
INVITE_REVOKED = "This invitation was revoked. Ask a member for a new one."
NEEDS_A_NEWER_INVITE = (
    "This link was made before your membership ended. Ask a member for a new invitation."
)
NEW_ADMIN_FIRST = "Make somebody else an admin first, on the members page."
# Why an agent left a collective, as the security log keeps it.
WITH_PARENT = "parent_left"

# --- Policies -------------------------------------------------------------------------------


def is_member(access: Access, target: Any) -> Denied | None:
    if access.is_member:
        return None
    return Denied("You are not a member of this collective", WHO_COMES_IN)


def is_collective_admin(access: Access, target: Any) -> Denied | None:
    if access.is_collective_admin and not access.here.is_workspace:
        return None
    if access.place is not None and access.here.is_main:
        return must_be_admin(
            "The main collective has no admins of its own. A tenant admin changes its name and"
            " timezone at /tenant-admin/settings.",
        )
    return must_be_admin(ASK_AN_ADMIN, links=_members(access))


def must_be_admin(hint: str, links: tuple[Link, ...] = ()) -> Denied:
    """Return the denial of what only admins of the collective may do."""
    return Denied("Unauthorized: must be admin", hint, links=links, heading="Must be admin")


def may_invite(access: Access, target: Any) -> Denied | None:
    if access.membership is not None and access.membership.may_invite:
        return None
    return Denied(
        "You do not have permission to invite people here.",
        "Its admins can invite, or let every member do it.",
        links=_members(access),
    )


def _members(access: Access) -> tuple[Link, ...]:
    """Return the link to the page that names a collective's admins; the main one has none."""
    place = access.place
    return (Link("Members", f"{place.path}/members"),) if place and not place.is_main else ()


def may_leave(access: Access, target: Any) -> Denied | None:
    """Allow members of a standard collective; the effect refuses the last admin."""
    place = access.here
    if place.is_main or place.is_workspace:
        return Denied("Nobody leaves this collective.", "It goes with belonging to the tenant.")
    return is_member(access, target)


def may_add_agents(access: Access, target: Any) -> Denied | None:
    return _has_no_agents_of_choice(access) or may_invite(access, target)


def may_remove_agents(access: Access, target: Any) -> Denied | None:
    return _has_no_agents_of_choice(access) or is_member(access, target)


def _has_no_agents_of_choice(access: Access) -> Denied | None:
    """Return the refusal of a place whose agents nobody adds or removes."""
    if access.place is None:
        return None
    if access.here.is_workspace:
        return Denied(
            "Cannot add other users to a private workspace", "Make a collective to share."
        )
    if access.here.is_main:
        return Denied(
            "Agents cannot be added to or removed from the main collective.",
            "Every agent belongs to it. Its parent can deactivate it in its settings.",
        )
    return None


# --- Tenants, and joining them --------------------------------------------------------------


def checked_subdomain(sent: str) -> str:
    """Return the subdomain of a new tenant, which is its main collective's handle too.

    Raises:
        Invalid: malformed, reserved as a handle, in the form of an id, or taken.
    """
    if not SUBDOMAIN.fullmatch(sent):
        raise Invalid.of("subdomain", "malformed_subdomain")
    if is_reserved_handle(sent):
        raise Invalid.of("subdomain", "reserved")
    if looks_like_an_id(sent):
        raise Invalid.of("subdomain", "like_an_id")
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
        Invalid: blank, malformed, reserved, in the form of an id, or taken.
    """
    if not sent:
        raise Invalid.of("handle", "blank")
    if len(sent) > Collective.HANDLE_LENGTH:
        raise Invalid.of("handle", "too_long", limit=Collective.HANDLE_LENGTH)
    if not HANDLE.fullmatch(sent):
        raise Invalid.of("handle", "malformed_handle")
    if is_reserved_handle(sent):
        raise _not_available("reserved")
    if looks_like_an_id(sent):
        raise Invalid.of("handle", "like_an_id")
    if Collective.objects.filter(handle=sent).exists():
        raise _not_available("taken")
    return sent


def _not_available(code: str) -> Invalid:
    """Return the refusal of a handle; the REST contract has one sentence for both reasons."""
    return Invalid(Problem("handle", code), rest_message="Handle is not available")


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
        email=placeholder_email(),
        user_type=UserType.COLLECTIVE_IDENTITY,
        created_at=now,
        updated_at=now,
    )
    user.set_unusable_password()
    user.save()
    free = secrets.token_hex(16) if is_taken(handle) else handle
    return join_tenant(user, tenant, now=now, handle=free)


# --- Members --------------------------------------------------------------------------------


def lock_members(collective_id: uuid.UUID) -> Collective:
    """Lock the membership of a collective until the transaction ends, and return its row.

    Joining, leaving, removing and changing roles take this lock, so that two admins cannot
    leave at once and no agent is added while its parent is being removed.
    """
    row: Collective = Collective.objects.select_for_update(no_key=True).get(id=collective_id)
    return row


def add_member(
    collective: Collective,
    person: TenantUser,
    *,
    now: datetime,
    is_admin: bool = False,
    is_representative: bool = False,
    invite: Invite | None = None,
) -> CollectiveMember:
    """Make somebody a member, or bring an archived membership back; roles are added.

    `invite` is the one that they joined by.

    Raises:
        Forbidden: an agent, where its parent is not an active member.
    """
    _refuse_without_parent(collective, person)
    row, is_new = CollectiveMember.objects.get_or_create(
        tenant_id=collective.tenant_id,
        collective=collective,
        person=person,
        defaults={
            "is_admin": is_admin,
            "is_representative": is_representative,
            "invite": invite,
            "created_at": now,
        },
    )
    if is_new:
        return row
    row.archived_at = None
    row.is_admin = row.is_admin or is_admin
    row.is_representative = row.is_representative or is_representative
    row.invite = invite
    row.save(update_fields=["archived_at", "is_admin", "is_representative", "invite"])
    return row


def _refuse_without_parent(collective: Collective, person: TenantUser) -> None:
    if not person.user.is_agent or collective.is_main or collective.is_workspace:
        return
    parents = CollectiveMember.objects.active().filter(
        collective=collective, person__user=person.user.parent_id
    )
    if not parents.exists():
        raise Forbidden(
            "An agent can only be in a collective that its parent belongs to.",
            hint="Its parent can join the collective first, then add it.",
        )


def end_membership(access: Access, row: CollectiveMember) -> list[TenantUser]:
    """End a membership and those of the person's agents there; return these agents.

    The rows stay as archived ones that grant nothing, each agent gets a line in the security
    log, and invites that lost their maker's right expire. The caller holds `lock_members`.

    Raises:
        Forbidden: the last admin would leave other people behind.
    """
    if row.is_admin and is_last_admin(row) and _others_remain(row):
        raise Forbidden("The last admin cannot leave while others remain.", hint=NEW_ADMIN_FIRST)
    return _ended(access, row)


def _ended(access: Access, row: CollectiveMember) -> list[TenantUser]:
    agents = agent_rows(row.collective_id, row.person.user_id)
    for each in (row, *agents):
        each.archived_at = access.now
        each.is_admin = each.is_representative = False
        each.save(update_fields=["archived_at", "is_admin", "is_representative"])
    for each in agents:
        _record_agent_left(access, each)
    expire_unbacked_invites(row.collective_id, access.now)
    return [each.person for each in agents]


def _record_agent_left(access: Access, row: CollectiveMember) -> None:
    audit.record(
        audit.USER_ACTION,
        access,
        about=someone(row.person),
        action="remove_ai_agent_from_collective",
        collective_id=row.collective_id,
        reason=WITH_PARENT,
    )


def is_last_admin(row: CollectiveMember) -> bool:
    """Answer whether a member is the only admin who can act."""
    admins = CollectiveMember.objects.acting_admins().filter(collective=row.collective_id)
    return list(admins.values_list("id", flat=True)[:2]) == [row.id]


def _others_remain(row: CollectiveMember) -> bool:
    """Answer whether somebody would stay who does not leave with this member."""
    others = CollectiveMember.objects.active().filter(collective=row.collective_id)
    others = others.exclude(id=row.id).exclude(person__user__parent=row.person.user_id)
    return bool(others.exists())


def left_without_admin(person: TenantUser) -> list[Collective]:
    """Return the collectives where somebody is the last admin and others would remain."""
    rows = CollectiveMember.objects.acting_admins().filter(person=person)
    rows = rows.select_related("collective", "person__user").order_by("collective__name", "id")
    return [row.collective for row in rows if is_last_admin(row) and _others_remain(row)]


def left_with(agents: Sequence[TenantUser]) -> tuple[str, ...]:
    """Return the note of an answer that says which agents left with their parent."""
    if not agents:
        return ()
    names = enumerated(agent.display_name for agent in agents)
    return (f"Agents that left at the same time: {names}.",)


# --- Leaving the tenant ---------------------------------------------------------------------


def leave_tenant(access: Access, person: TenantUser) -> None:
    """End a person's place in the tenant, with all that depends on it.

    Person and agents are archived with their workspaces, their memberships end, and so do their
    roles of tenant admin. Nothing of this comes back by itself.
    """
    leaving = [person, *agents_of(person.user_id)]
    # In the order of the collectives, so that two removals cannot wait for each other.
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
    _ended(access, row)
    if row.person_id != person.id:
        _record_agent_left(access, row)


def archive_person(person: TenantUser, now: datetime) -> None:
    """Archive somebody in the tenant, and their workspace with them."""
    person.archive(now)
    _set_workspace_archived(person, now)


def unarchive_person(person: TenantUser) -> None:
    """Bring somebody back into the tenant, with their workspace; tokens stay revoked."""
    person.unarchive()
    _set_workspace_archived(person, None)


def _set_workspace_archived(person: TenantUser, at: datetime | None) -> None:
    if workspace := own_workspace(person.id):
        workspace.archived_at = at
        workspace.save(update_fields=["archived_at"])


# --- Invites --------------------------------------------------------------------------------


def new_invite(access: Access) -> Invite:
    invite: Invite = Invite.objects.create(
        tenant_id=access.tenant.id,
        collective_id=access.here.id,
        code=secrets.token_hex(16),
        created_by_id=access.user.user_id,
        expires_at=access.now + Invite.LIFETIME,
        created_at=access.now,
    )
    return invite


def revoke_links(collective_id: uuid.UUID, now: datetime) -> int:
    """Revoke all invitation links of a collective, and return how many there were."""
    links = Invite.objects.unexpired(now).filter(collective=collective_id, invited_user=None)
    return int(links.update(revoked_at=now))


def expire_unbacked_invites(collective_id: uuid.UUID, now: datetime) -> None:
    """Expire the invites of a collective whose makers may no longer invite to it.

    They stay expired when the maker comes back or gets the right again.
    """
    unbacked = Invite.objects.unexpired(now).unbacked().filter(collective=collective_id)
    unbacked.update(expires_at=now)


def delete_personal_invites(collective_id: uuid.UUID, user_id: uuid.UUID) -> None:
    Invite.objects.filter(collective=collective_id, invited_user=user_id).delete()
