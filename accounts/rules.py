"""Rules about people: handles, e-mail addresses, passwords, and permissions to change them."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Tenant, TenantUser, User
from accounts.queries import active_tenant_admins, person_at, tenant_admins
from harmonic.kernel.access import Access, UserType
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters import wording
from harmonic.kernel.refusals import (
    ASK_YOUR_HUMAN,
    SIGN_IN,
    UNAUTHORIZED,
    Denied,
    Forbidden,
    Invalid,
    Link,
    Unauthorized,
)
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import folded, is_acceptable, slug

FOR_OWNERS = (
    "Only the account's owner may open this. For an agent, that is the human who manages it."
)
ADMINISTRATION = Link("Administration", "/tenant-admin")
TENANT_ADMINS_CAN = "A tenant admin can do it."
BOTH_ADMINS = "AI agent admin access requires both AI agent and parent to be admins"
RESERVED_HANDLES = frozenset(
    "everyone admins representatives summarizers new available actions me".split()
)
RESERVED_PREFIXES = ("trio", "melody", "counterpoint", "cadence")


def is_reserved(handle: str) -> bool:
    key = folded(handle)
    return key in RESERVED_HANDLES or any(
        key == prefix or key.startswith(f"{prefix}-") for prefix in RESERVED_PREFIXES
    )


def looks_like_an_id(handle: str) -> bool:
    """Return whether a handle has the form of a UUID, so that an address would mean an id."""
    return parse_uuid(handle) is not None


def is_taken(handle: str) -> bool:
    return TenantUser.objects.filter(handle_key=folded(handle)).exists()


def free_handle(name: str) -> str:
    """Return a handle derived from `name`, with a number if it is taken, reserved or like an id."""
    base = slug(name).lower()[: TenantUser.HANDLE_LENGTH - 6] or "user"
    taken = set(
        TenantUser.objects.filter(handle_key__startswith=base).values_list("handle_key", flat=True)
    )
    if base not in taken and not is_reserved(base) and not looks_like_an_id(base):
        return base
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"


def checked_handle(sent: str, param: str = "handle") -> str:
    """Return the slug of a chosen handle, which is available in the bound tenant.

    Raises:
        Invalid: the slug is empty, too long, reserved, taken, or has the form of an id.
    """
    handle = spelt_handle(sent, param)
    if is_taken(handle):
        raise Invalid.of(param, "taken")
    return handle


def spelt_handle(sent: str, param: str = "handle") -> str:
    """Return the slug of a chosen handle, which may be taken.

    Raises:
        Invalid: the slug is empty, too long, reserved, or has the form of an id.
    """
    handle = slug(sent)
    if not handle:
        raise Invalid.of(param, "blank")
    if len(handle) > TenantUser.HANDLE_LENGTH:
        raise Invalid.of(param, "too_long", limit=TenantUser.HANDLE_LENGTH)
    if is_reserved(handle):
        raise Invalid.of(param, "reserved")
    if looks_like_an_id(handle):
        raise Invalid.of(param, "like_an_id")
    return handle


def checked_email(sent: str, param: str = "email") -> str:
    """Return the address of a new account, in lower case.

    Raises:
        Invalid: the text is not an e-mail address, or an account already uses it.
    """
    email = sent.strip().lower()
    key = folded(email)
    if max(len(email), len(key)) > User.EMAIL_LENGTH:
        raise Invalid.of(param, "too_long", limit=User.EMAIL_LENGTH)
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid.of(param, "malformed_email") from error
    if User.objects.filter(email_key=key).exists():
        raise Invalid.of(param, "taken")
    return email


def checked_password(sent: str, param: str = "password") -> str:
    """Return a chosen password as it was sent.

    Raises:
        Invalid: the password is too short, too long, or too common.
    """
    if not is_acceptable(sent):
        raise Invalid.of(param, "unacceptable")
    if len(sent) < User.SHORTEST_PASSWORD:
        raise Invalid.of(param, "too_short", limit=User.SHORTEST_PASSWORD)
    if len(sent) > User.LONGEST_PASSWORD:
        raise Invalid.of(param, "too_long", limit=User.LONGEST_PASSWORD)
    try:
        CommonPasswordValidator().validate(sent)
    except ValidationError as error:
        raise Invalid.of(param, "too_common") from error
    return sent


# --- Policies -------------------------------------------------------------------------------


def is_human(access: Access, target: object) -> Denied | None:
    return None if access.actor and access.actor.is_human else Denied("", ASK_YOUR_HUMAN)


def is_tenant_admin(access: Access, target: object) -> Denied | None:
    """Allow tenant admins; an agent also needs a parent who is a tenant admin."""
    actor = access.actor
    if actor is None or not actor.is_tenant_admin:
        return _not_a_tenant_admin(access)
    if actor.is_agent and not has_admin_parent(actor.parent_id):
        return Denied(BOTH_ADMINS, TENANT_ADMINS_CAN)
    return None


def _not_a_tenant_admin(access: Access) -> Denied:
    if access.actor is not None and access.actor.is_agent:
        return Denied(BOTH_ADMINS, TENANT_ADMINS_CAN)
    return Denied("Only tenant admins may do that.", "Ask a tenant admin to do it.")


def for_admins(access: Access) -> None:
    """Require a tenant admin.

    Raises:
        Forbidden: the caller is not a tenant admin.
    """
    denied = is_tenant_admin(access, None)
    if denied is None:
        return
    if access.user.is_agent:
        raise Forbidden.because(denied)
    hint = wording.naming(denied.hint, (who.handle for who in tenant_admins()))
    raise Unauthorized(denied.reason, hint=hint)


def has_admin_parent(parent_id: uuid.UUID | None) -> bool:
    """Return whether an agent's parent is a tenant admin who can act."""
    return active_tenant_admins().filter(user=parent_id).exists()


def may_edit(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow the person themselves, and the parent of an agent. This includes tenant admins."""
    actor = access.actor
    if actor is None:
        return Denied("Unauthorized", SIGN_IN, heading="")
    if person is None or person.user_id == actor.user_id or is_parent_of(access, person):
        return None
    return Denied(
        UNAUTHORIZED,
        FOR_OWNERS,
        links=(Link("Your settings", "/settings"),),
        label=UNAUTHORIZED,
        heading="",
    )


def may_change_profile(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow the person themselves, and the parent of an active agent."""
    return may_edit(access, person) or _is_inactive(person)


def is_parent_of(access: Access, person: TenantUser) -> bool:
    actor = access.actor
    return (
        actor is not None
        and actor.is_human
        and person.user.is_agent
        and person.user.parent_id == actor.user_id
    )


def may_manage_agent(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow the agent's parent."""
    if person is None or is_parent_of(access, person):
        return None
    if not person.user.is_agent:
        hint = "Only AI agents have a person who manages them."
        return Denied("This account is not an AI agent.", hint)
    return Denied(
        "Only the person who manages the agent can do that.",
        "The agent's profile names that person.",
        links=(Link("The agent's profile", path_to("people.show", handle=person.handle)),),
    )


def may_change_agent(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow the agent's parent while the agent is active."""
    return may_manage_agent(access, person) or _is_inactive(person)


def _is_inactive(person: TenantUser | None) -> Denied | None:
    return inactive(person) if person is not None and person.archived_at is not None else None


def inactive(person: TenantUser) -> Denied:
    """Return the denial of changes to an archived person or an inactive agent."""
    if not person.user.is_agent:
        return Denied(
            f"{person.display_name} is no longer in this tenant.",
            "The settings of a removed member cannot be changed.",
        )
    settings = path_to("agents.settings", handle=person.handle)
    return Denied(
        "This agent is inactive.",
        f"The person who manages it can reactivate it at {settings} first.",
        links=(Link("The agent's settings", settings),),
    )


def may_change_tenant_role(access: Access, person: TenantUser | None) -> Denied | None:
    """Allow tenant admins, for people and agents who are still in the tenant."""
    return is_tenant_admin(access, person) or _is_an_identity(person) or _is_inactive(person)


def may_remove_from_tenant(access: Access, person: TenantUser | None) -> Denied | None:
    return is_tenant_admin(access, person) or _is_an_identity(person)


def _is_an_identity(person: TenantUser | None) -> Denied | None:
    """Return the denial for accounts that are neither people nor agents."""
    if person is None or person.user.is_human or person.user.is_agent:
        return None
    return Denied(
        "This account belongs to a collective.",
        "It has no roles and cannot be removed. Its collective's admins manage the collective.",
    )


def editable_person(access: Access, handle: str) -> TenantUser:
    """Return the person of a settings page.

    Raises:
        NotFound: no account has this handle.
        Forbidden: the person is neither the caller nor one of their agents.
    """
    person = person_at(access, handle)
    if denied := may_edit(access, person):
        raise Forbidden.because(denied)
    return person


def person_reference(person: TenantUser) -> audit.PersonReference:
    """Return a person with their current name, for an event of the security log."""
    return audit.PersonReference(person.user_id, person.handle, person.display_name)


# --- The API switch -------------------------------------------------------------------------

SWITCH_IGNORED = "The API switch was ignored: a token cannot enable or disable the API."


def api_switch(access: Access, *names: bool | None) -> tuple[dict[str, bool], tuple[str, ...]]:
    """Return the change of the API switch in a settings form, and notes for the response.

    The switch has several names; the first that was sent counts. Only sessions can change it, so
    that a token can neither lock itself out nor enable itself.
    """
    asked = next((each for each in names if each is not None), None)
    if asked is None:
        return {}, ()
    if access.token is not None:
        return {}, (SWITCH_IGNORED,)
    return {"is_api_enabled": asked}, ()


# --- Creating people ------------------------------------------------------------------------


def new_user(*, name: str, email: str, now: datetime, password: str | None = None) -> User:
    """Create a human account. `join_tenant` of `collectives` adds it to a tenant."""
    user = User(name=name, email=email.lower(), created_at=now, updated_at=now)
    user.set_password(password)
    user.save()
    return user


def new_agent_user(*, name: str, parent_id: uuid.UUID, now: datetime) -> User:
    """Create the account of an AI agent, which cannot sign in and has no mailbox."""
    user = User(
        name=name,
        email=placeholder_email(),
        user_type=UserType.AI_AGENT,
        parent_id=parent_id,
        created_at=now,
        updated_at=now,
    )
    user.set_unusable_password()
    user.save()
    return user


def placeholder_email() -> str:
    """Return a new address for the account of an agent or of a collective's identity.

    `.invalid` is reserved (RFC 2606), so the domain cannot be registered to receive the mail.
    """
    return f"{uuid.uuid4()}@not-a-real-email.invalid"


def handles_locked(tenant_id: uuid.UUID) -> Tenant:
    """Lock the tenant against other new handles until the transaction ends, and return it.

    Of two concurrent requests for a handle, the second gets a sentence and not a database error.
    """
    return Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)


def tenant_of(access: Access) -> Tenant:
    return Tenant.objects.get(id=access.tenant.id)
