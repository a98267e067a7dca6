"""Actions of tenant admins: settings of the tenant, roles, and removing people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accounts import rules
from accounts.models import Tenant, TenantUser
from accounts.queries import active_tenant_admins, agents_of, with_user
from accounts.security_words import LogEntry
from accounts.timezones import checked_timezone, timezone_names
from collectives.queries import main_collective
from collectives.rules.members import left_without_admin
from collectives.rules.tenants import leave_tenant
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Choice, Flag, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.parameters.wording import enumerated
from harmonic.kernel.refusals import Forbidden, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope
from tokens.rules import revoke_tokens

# --- Settings -------------------------------------------------------------------------------


class TenantParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=Tenant.NAME_LENGTH,
        help_text="The name of the tenant.",
        widget=Widget(is_required=True, help=""),
    )
    timezone = Line(
        required=False,
        allow_blank=True,
        help_text="The timezone of the tenant.",
        widget=Widget(
            is_required=True, help="For example Europe/Berlin.", suggestions=timezone_names
        ),
    )
    feature_api = Flag(
        required=False,
        label="Enable the API in this tenant",
        help_text="Whether tokens work in this tenant. Tokens cannot change this setting.",
        is_unlisted=True,
        widget=Widget(help="While this is off, every token of this tenant is refused."),
    )
    api = Flag(required=False, help_text="The same as feature_api.", widget=Widget(is_hidden=True))
    api_enabled = Flag(
        required=False, help_text="The same as feature_api.", widget=Widget(is_hidden=True)
    )
    feature_ai_agents = Flag(
        required=False,
        label="Internal AI agents",
        help_text="Whether people can create agents that Harmonic runs.",
        widget=Widget(help="People can create agents that Harmonic runs."),
    )


def _update_tenant(
    access: Access,
    target: object,
    *,
    name: str = "",
    timezone: str = "",
    feature_api: bool | None = None,
    api: bool | None = None,
    api_enabled: bool | None = None,
    feature_ai_agents: bool | None = None,
) -> Outcome:
    tenant = rules.tenant_of(access)
    changes: dict[str, Any] = {}
    if name:
        changes["name"] = name
    if timezone:
        changes["timezone"] = checked_timezone(timezone)
    if feature_ai_agents is not None:
        changes["is_ai_agents_enabled"] = feature_ai_agents
    switched, notes = rules.api_switch(access, feature_api, api, api_enabled)
    changes |= switched
    changed = audit.changed({column: getattr(tenant, column) for column in changes}, changes)
    for column, value in changes.items():
        setattr(tenant, column, value)
    tenant.save(update_fields=list(changes))
    if "timezone" in changes:
        main = main_collective()
        main.timezone = changes["timezone"]
        main.save(update_fields=["timezone"])
    facts = {"changed": changed} if changed else None
    return Outcome("Settings saved.", "/tenant-admin", notes=notes, facts=facts)


def _current_tenant(access: Access, target: object) -> Mapping[str, Any]:
    tenant = rules.tenant_of(access)
    return {
        "name": tenant.name,
        "timezone": tenant.timezone,
        "feature_api": tenant.is_api_enabled,
        "feature_ai_agents": tenant.is_ai_agents_enabled,
    }


def _settings_changed(entry: LogEntry) -> str:
    return f"The settings of the tenant were changed{entry.changes}"


update_tenant_settings: Action[object] = Action(
    name="update_tenant_settings",
    sentence=(
        "Change the settings of the tenant. Omitted or blank parameters keep their current values."
    ),
    label="Save settings",
    scope=Scope("update:all"),
    grant=NEVER,
    for_agents=lambda access: rules.TENANT_ADMINS_CAN,
    proof=Proof.ADMIN,
    changes_access=True,
    emits="tenant.updated",
    params=TenantParams,
    policy=rules.is_tenant_admin,
    effect=_update_tenant,
    checks={"timezone": lambda access, target, sent: sent and checked_timezone(sent)},
    initial=_current_tenant,
    logged=Logged(audit.ADMIN_ACTION, _settings_changed),
    audience="public",
)


# --- Roles ----------------------------------------------------------------------------------


class TenantRoleParams(Params):
    role = Choice([("admin", "Admin")], help_text="The role: admin.")
    grant = Flag(help_text="true to grant the role, false to remove it.")


def _update_roles(access: Access, person: TenantUser, *, role: str, grant: bool) -> Outcome:
    """Grant or remove a role. The only role is admin."""
    person = _locked(access, person)
    if grant and person.user.is_agent:
        _refuse_without_admin_parent(person)
    if not grant:
        _refuse_last_admin(person)
    if person.is_admin == grant:
        return Outcome(_role_sentence(person), _user_path(person), facts=None)
    _set_admin(person, grant)
    agents = [] if grant else _end_agent_roles(access, person)
    return Outcome(
        _role_sentence(person),
        _user_path(person),
        notes=(f"Agents that are no longer tenant admins either: {enumerated(agents)}.",)
        if agents
        else (),
        facts={"about": rules.person_reference(person), "role": role, "grant": grant},
    )


def _role_sentence(person: TenantUser) -> str:
    done = "is now" if person.is_admin else "is no longer"
    return f"{person.display_name} {done} a tenant admin."


def _locked(access: Access, person: TenantUser) -> TenantUser:
    """Lock the tenant's roles and return a person's current row.

    The lock is on the tenant's row, so that two admins cannot leave at once.

    Raises:
        Forbidden: the person was removed in the meantime.
    """
    rules.handles_locked(access.tenant.id)
    locked = with_user().get(id=person.id)
    if denied := rules.may_change_tenant_role(access, locked):
        raise Forbidden.because(denied)
    return locked


def _refuse_without_admin_parent(agent: TenantUser) -> None:
    if rules.has_admin_parent(agent.user.parent_id):
        return
    raise Forbidden(
        rules.BOTH_ADMINS,
        hint="First make the person who manages the agent a tenant admin.",
    )


def _set_admin(person: TenantUser, is_admin: bool) -> None:
    person.is_admin = is_admin
    person.save(update_fields=["is_admin"])


def _end_agent_roles(access: Access, parent: TenantUser) -> list[str]:
    """Remove the role from a person's agents and return their names."""
    agents = list(agents_of(parent.user_id).filter(is_admin=True))
    for agent in agents:
        _set_admin(agent, is_admin=False)
        audit.record(
            audit.ADMIN_ACTION,
            access,
            about=rules.person_reference(agent),
            action="update_tenant_roles",
            role="admin",
            grant=False,
        )
    return [agent.display_name for agent in agents]


def _user_path(person: TenantUser) -> str:
    return path_to("admin.person", handle=person.handle)


def _refuse_last_admin(person: TenantUser) -> None:
    admins = active_tenant_admins().values_list("id", flat=True)
    if list(admins[:2]) == [person.id]:
        raise Forbidden(
            "You cannot remove the last admin of a tenant.",
            hint="First make another person an admin.",
        )


def _tenant_role_changed(entry: LogEntry) -> str:
    is_given = entry.data.get("grant", entry.data.get("is_admin"))
    verb = "is now a" if is_given else "is no longer a"
    return f"{entry.subject} {verb} tenant admin"


update_tenant_roles: Action[TenantUser] = Action(
    name="update_tenant_roles",
    sentence="Grant or remove the role of tenant admin.",
    label="Change role",
    scope=Scope("update:all"),
    grant=NEVER,
    for_agents=lambda access: rules.TENANT_ADMINS_CAN,
    proof=Proof.ADMIN,
    changes_access=True,
    emits="user.role_changed",
    params=TenantRoleParams,
    policy=rules.may_change_tenant_role,
    effect=_update_roles,
    logged=Logged(audit.ADMIN_ACTION, _tenant_role_changed),
    audience="public",
)


# --- Removing people ------------------------------------------------------------------------


def _remove_from_tenant(access: Access, person: TenantUser) -> Outcome:
    if person.id == access.user.person_id:
        raise Forbidden("You cannot remove yourself.", hint="Another tenant admin can remove you.")
    rules.handles_locked(access.tenant.id)
    person = with_user().get(id=person.id)
    if person.archived_at is not None:
        return Outcome(
            f"{person.display_name} is already removed.", "/tenant-admin/users", facts=None
        )
    _refuse_last_admin(person)
    agents = list(agents_of(person.user_id).filter(archived_at=None))
    for each in (person, *agents):
        if not each.user.is_internal_agent:
            revoke_tokens(access, each)
    leave_tenant(access, person)
    for agent in agents:
        _record_deactivated(access, agent)
    return Outcome(
        f"{person.display_name} was removed, and their tokens here were revoked.",
        "/tenant-admin/users",
        notes=_deactivated_with(agents),
        facts={"about": rules.person_reference(person)},
    )


def _record_deactivated(access: Access, agent: TenantUser) -> None:
    audit.record(
        audit.USER_ACTION, access, about=rules.person_reference(agent), action="deactivate_ai_agent"
    )


def _deactivated_with(agents: Sequence[TenantUser]) -> tuple[str, ...]:
    names = [agent.display_name for agent in agents]
    return (f"Agents deactivated at the same time: {enumerated(names)}.",) if names else ()


def _ask_to_remove(access: Access, person: TenantUser) -> Confirmation:
    agents = agents_of(person.user_id).filter(archived_at=None)
    return Confirmation(
        f"Remove “{person.display_name}” from {access.tenant.name}?",
        (
            ("Handle", person.handle),
            ("E-mail", person.user.email or "None"),
            ("Their agents", ", ".join(agent.display_name for agent in agents) or "None"),
            *_left_without_admin(person),
        ),
        "They and their agents leave every collective of this tenant, their private workspaces"
        " are archived, and their tokens here are revoked immediately. Their notes and comments"
        " stay.",
    )


def _is_removable(access: Access, person: TenantUser | None) -> bool:
    """Return whether to offer the removal of a person, who is not the caller or removed already."""
    if person is None:
        return True
    return person.archived_at is None and person.id != access.user.person_id


def _left_without_admin(person: TenantUser) -> tuple[tuple[str, str], ...]:
    """Return the row that names the collectives that would have no admin, if any."""
    names = ", ".join(each.name for each in left_without_admin(person))
    return (("Collectives left without an admin", names),) if names else ()


def _removed_from_tenant(entry: LogEntry) -> str:
    return f"{entry.subject} was removed from the tenant"


remove_from_tenant: Action[TenantUser] = Action(
    name="remove_from_tenant",
    sentence=(
        "Remove this person and their agents from the tenant and from all of its collectives."
        " Their tokens here are revoked."
    ),
    label="Remove from the tenant",
    scope=Scope("update:all"),
    grant=NEVER,
    for_agents=lambda access: rules.TENANT_ADMINS_CAN,
    proof=Proof.ADMIN,
    changes_access=True,
    emits="user.removed",
    policy=rules.may_remove_from_tenant,
    is_offered=_is_removable,
    effect=_remove_from_tenant,
    is_dangerous=True,
    confirm=_ask_to_remove,
    logged=Logged(audit.ADMIN_ACTION, _removed_from_tenant),
    audience="public",
)
