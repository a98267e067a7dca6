"""The action that changes the name and handle of a person or of their agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts import rules
from accounts.agents.models import path_of
from accounts.models import TenantUser, User
from accounts.security_words import LogEntry
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Check, Logged, Outcome, ResourceRef
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import folded
from harmonic.kernel.scopes import Scope


class ProfileParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=User.NAME_LENGTH,
        help_text="The display name.",
        widget=Widget(is_required=True, help="", autocomplete="name"),
    )
    new_handle = Line(
        required=False,
        allow_blank=True,
        label="Handle",
        help_text="The handle in this tenant. It is converted to a slug.",
        widget=Widget(
            is_required=True, help="Your name in addresses: lower-case letters and dashes."
        ),
    )


def resource(person: TenantUser) -> ResourceRef:
    return ResourceRef("User", person.handle, person.get_absolute_url())


def agent_resource(agent: TenantUser) -> ResourceRef:
    """Return the resource that the actions of an agent's parent change."""
    return ResourceRef("AI Agent", agent.handle, path_of(agent))


def _update_profile(
    access: Access, person: TenantUser, *, name: str = "", new_handle: str = ""
) -> Outcome:
    changed = rename(access, person, name, new_handle)
    return saved(person, {"changed": changed} if changed else {})


def saved(person: TenantUser, facts: Mapping[str, Any]) -> Outcome:
    """Return the outcome of a change to a profile. Without `facts` nothing was changed."""
    return Outcome(
        "The profile is saved.",
        path_to("people.settings", handle=person.handle),
        resource(person),
        person,
        facts={"about": rules.person_reference(person), **facts} if facts else None,
    )


def rename(access: Access, person: TenantUser, name: str, new_handle: str) -> dict[str, list[Any]]:
    """Change the name in all tenants and the handle in this one, if they are not blank.

    Returns the changes, as old and new values.

    Raises:
        Invalid: the handle is reserved or taken.
    """
    before = {"name": person.display_name, "handle": person.handle}
    if new_handle and folded(new_handle) != person.handle_key:
        rules.handles_locked(access.tenant.id)
        person.handle = check_new_handle(access, person, new_handle)
        person.save(update_fields=["handle", "handle_key"])
    if name and name != person.display_name:
        person.user.name = person.display_name = name
        person.user.updated_at = access.now
        person.user.save(update_fields=["name", "updated_at"])
        # One account, one name: also where the account belongs to another tenant.
        TenantUser.unscoped.filter(user=person.user).update(display_name=name)
    return audit.changed(before, {"name": person.display_name, "handle": person.handle})


def check_new_handle(access: Access, person: TenantUser, sent: str) -> str:
    """Return the new handle of a person. A blank one keeps the current handle.

    Raises:
        Invalid: the handle is reserved or taken.
    """
    if not sent or folded(sent) == person.handle_key:
        return person.handle
    return rules.checked_handle(sent, "new_handle")


# The checks of `rename`.
RENAMING: Mapping[str, Check[TenantUser]] = {"new_handle": check_new_handle}


def _current_profile(access: Access, person: TenantUser | None) -> Mapping[str, Any]:
    return {"name": person.display_name, "new_handle": person.handle} if person else {}


def agent_deactivated(entry: LogEntry) -> str:
    """Return the line of the security log about an agent that was deactivated."""
    return f"The agent {entry.subject} was deactivated"


def agent_reactivated(entry: LogEntry) -> str:
    """Return the line of the security log about an agent that was reactivated."""
    return f"The agent {entry.subject} was reactivated"


def agent_deleted(entry: LogEntry) -> str:
    """Return the line of the security log about an agent that was deleted."""
    return f"The agent {entry.subject} was deleted"


def _profile_changed(entry: LogEntry) -> str:
    data = entry.data
    if data.get("deleted"):
        # Older releases recorded the deletion of an agent as a change of its profile.
        return agent_deleted(entry)
    said = []
    if "changed" in data:
        whose = "The profile" if entry.is_own else f"The profile of {entry.subject}"
        said.append(f"{whose} was changed{entry.changes}")
    if "archived" in data:
        said.append((agent_deactivated if data["archived"] else agent_reactivated)(entry))
    return ". ".join(said)


update_profile: Action[TenantUser] = Action(
    name="update_profile",
    sentence="Change the display name or the handle.",
    label="Save profile",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="user.updated",
    params=ProfileParams,
    policy=rules.may_change_profile,
    effect=_update_profile,
    checks=RENAMING,
    initial=_current_profile,
    logged=Logged(audit.USER_ACTION, _profile_changed),
    audience="public",
)
