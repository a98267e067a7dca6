"""Actions of a parent on an AI agent: change its settings, deactivate and reactivate it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

from accounts import rules
from accounts.actions.people import (
    RENAMING,
    agent_deactivated,
    agent_reactivated,
    agent_resource,
    rename,
    saved,
    update_profile,
)
from accounts.agents import presets
from accounts.agents.models import Agent, path_of
from accounts.agents.presets import Preset
from accounts.models import TenantUser, User
from accounts.queries import people
from accounts.security_words import LogEntry
from collectives import queries as collectives
from collectives.rules.tenants import archive_person, unarchive_person
from harmonic.kernel import registry
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Block, Choice, Flag, Line, Params, StringList
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Forbidden, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope
from tokens.rules import revoke_tokens

# The choices of capabilities in both forms.
PRESET = Widget(
    kind="radios",
    options=[
        ("read", "Read", "Reads what its collectives share and changes nothing."),
        ("contribute", "Contribute", "Also writes and pins notes, comments and confirms reading."),
        ("everything", "Everything", "Also deletes notes: all that an agent can be allowed to do."),
        ("custom", "Custom", "Choose exactly which actions are allowed."),
    ],
    help="Contribute and Everything include the usual actions of later releases.",
)
PRESET_HELP = (
    "read, contribute (notes and comments), everything, or custom for the actions in"
    " `capabilities`. A preset other than custom takes precedence over `capabilities`."
)
GRID = Widget(groups=registry.options, help="", is_custom=True)


class AgentSettingsParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=User.NAME_LENGTH,
        help_text="The agent's name.",
        widget=Widget(is_required=True, help=""),
    )
    new_handle = Line(
        required=False,
        allow_blank=True,
        label="Handle",
        help_text="The agent's handle.",
        widget=Widget(is_required=True, help=""),
    )
    identity_prompt = Block(
        required=False,
        allow_blank=True,
        max_length=Agent.PROMPT_LENGTH,
        help_text=(
            "Instructions the agent reads about itself. Leave blank to keep the current text."
        ),
        widget=Widget(rows=6),
    )
    model = Line(
        required=False,
        allow_blank=True,
        max_length=Agent.MODEL_LENGTH,
        help_text="The model of an internal agent.",
        widget=Widget(is_hidden=True),
    )
    preset = Choice(
        list(Preset),
        required=False,
        label="Capabilities",
        help_text=PRESET_HELP,
        widget=PRESET,
    )
    capabilities = StringList(
        required=False,
        label="Allowed actions",
        help_text="The actions that the agent is allowed to run. An empty list allows none.",
        widget=GRID,
    )
    allow_public_writes = Flag(
        required=False,
        label="Allow posts in the main collective, visible to everyone in this tenant",
        help_text="Allow the agent to write in the main collective.",
        widget=Widget(help=""),
    )


def _update(
    access: Access,
    agent: TenantUser,
    *,
    name: str = "",
    new_handle: str = "",
    identity_prompt: str = "",
    model: str = "",
    preset: str = "",
    capabilities: list[str] | None = None,
    allow_public_writes: bool | None = None,
) -> Outcome:
    changed = rename(access, agent, name, new_handle)
    row = Agent.objects.select_for_update(no_key=True).get(user=agent.user_id)
    given = {
        "identity_prompt": identity_prompt if identity_prompt.strip() else None,
        "model": model if model and row.is_internal else None,
        "capability_names": presets.stored(preset, capabilities, row.capabilities),
        "may_write_publicly": allow_public_writes,
    }
    before, changes = copy(row), {column: new for column, new in given.items() if new is not None}
    for column, value in changes.items():
        setattr(row, column, value)
    row.save(update_fields=list(changes))
    User.objects.filter(id=agent.user_id).update(updated_at=access.now)
    granted = _regranted(before, row) if "capability_names" in changes else {}
    facts = {**granted, "changed": changed | _other(before, changes)}
    return Outcome(
        "Agent settings saved.",
        path_to("agents.settings", handle=agent.handle),
        agent_resource(agent),
        agent,
        facts={"about": rules.person_reference(agent), **facts} if any(facts.values()) else None,
    )


def _regranted(before: Agent, after: Agent) -> dict[str, list[str]]:
    """Return the capabilities that a change grants and withdraws, for the security log."""
    old = registry.granted_by(before.capabilities)
    new = registry.granted_by(after.capabilities)
    return {
        "granted": [name for name in new if name not in old],
        "withdrawn": [name for name in old if name not in new],
    }


# Columns that the security log names by their parameter.
LOGGED_AS = {"may_write_publicly": "allow_public_writes"}


def _other(before: Agent, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the other changes, by the names of the parameters."""
    names = {name: LOGGED_AS.get(name, name) for name in changes if name != "capability_names"}
    return audit.changed(
        {said: getattr(before, name) for name, said in names.items()},
        {said: changes[name] for name, said in names.items()},
    )


def _current(access: Access, agent: TenantUser | None) -> Mapping[str, Any]:
    if agent is None:
        return {}
    row = agent.user.agent
    return {
        "name": agent.display_name,
        "new_handle": agent.handle,
        "identity_prompt": row.identity_prompt,
        "preset": presets.preset_of(row.capabilities),
        "capabilities": registry.granted_actions(row.capabilities),
        "allow_public_writes": row.may_write_publicly,
    }


def _agent_changed(entry: LogEntry) -> str:
    return f"The agent {entry.subject} was changed{entry.changes}"


update_ai_agent: Action[TenantUser] = Action(
    name="update_ai_agent",
    sentence="Change the agent's name, handle, identity prompt or capabilities.",
    label="Save settings",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    emits="agent.updated",
    params=AgentSettingsParams,
    policy=rules.may_change_agent,
    effect=_update,
    checks=RENAMING,
    initial=_current,
    logged=Logged(audit.USER_ACTION, _agent_changed),
    people_only="Only people can change agents.",
    audience="public",
)


# --- Deactivating and reactivating ----------------------------------------------------------


def _deactivate(access: Access, agent: TenantUser) -> Outcome:
    is_changed = archive(access, agent)
    return Outcome(
        f"{agent.display_name} is inactive, and its tokens are revoked.",
        path_of(agent),
        agent_resource(agent),
        agent,
        facts={"about": rules.person_reference(agent)} if is_changed else None,
    )


def archive(access: Access, agent: TenantUser) -> bool:
    """Deactivate an agent, revoke its tokens and archive its workspace.

    Returns whether it was active.
    """
    if agent.archived_at is not None:
        return False
    if not agent.user.is_internal_agent:
        revoke_tokens(access, agent)
    archive_person(agent, access.now)
    return True


def unarchive(agent: TenantUser) -> bool:
    """Reactivate an agent, and return whether it was inactive. Its old tokens stay revoked."""
    was_inactive = agent.archived_at is not None
    unarchive_person(agent)
    return was_inactive


def _ask_to_deactivate(access: Access, agent: TenantUser) -> Confirmation:
    inside = collectives.collectives_of([agent]).get(agent.id, [])
    names = ", ".join(each.name for each in inside)
    return Confirmation(
        f"Deactivate “{agent.display_name}”?",
        (
            ("Agent", people([agent.user_id])[agent.user_id]),
            ("Member of", names or "The main collective only"),
        ),
        "Its tokens are revoked immediately, and it cannot act in this tenant until you reactivate"
        " it. Its content stays.",
    )


deactivate_ai_agent: Action[TenantUser] = Action(
    name="deactivate_ai_agent",
    sentence="Deactivate this agent: revoke its tokens and disable its account in this tenant.",
    label="Deactivate agent",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="agent.deactivated",
    policy=rules.may_manage_agent,
    is_offered=lambda access, agent: agent is None or agent.archived_at is None,
    effect=_deactivate,
    is_dangerous=True,
    confirm=_ask_to_deactivate,
    logged=Logged(audit.USER_ACTION, agent_deactivated),
    people_only="Only people can deactivate agents.",
    audience="public",
)


def _reactivate(access: Access, agent: TenantUser) -> Outcome:
    is_changed = unarchive(agent)
    return Outcome(
        f"{agent.display_name} is active again. It needs a new token.",
        path_of(agent),
        agent_resource(agent),
        agent,
        facts={"about": rules.person_reference(agent)} if is_changed else None,
    )


reactivate_ai_agent: Action[TenantUser] = Action(
    name="reactivate_ai_agent",
    sentence="Reactivate this agent. Its old tokens stay revoked.",
    label="Reactivate agent",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="agent.reactivated",
    policy=rules.may_manage_agent,
    is_offered=lambda access, agent: agent is None or agent.archived_at is not None,
    effect=_reactivate,
    logged=Logged(audit.USER_ACTION, agent_reactivated),
    people_only="Only people can reactivate agents.",
    audience="public",
)


# --- Over REST ------------------------------------------------------------------------------


def update_user_with(
    access: Access,
    person: TenantUser,
    *,
    name: str = "",
    new_handle: str = "",
    archived: bool | None = None,
) -> Outcome:
    """Rename a person or an agent, and deactivate or reactivate the agent with the same request.

    Raises:
        Forbidden: the agent is inactive and stays inactive, so it cannot be renamed.
    """
    is_own = person.user_id == access.user.user_id
    if person.archived_at is not None and (name or new_handle) and archived is not False:
        raise Forbidden.because(rules.inactive(person))
    changed = rename(access, person, name, new_handle)
    facts: dict[str, Any] = {"changed": changed} if changed else {}
    if archived is not None and not is_own:
        is_changed = archive(access, person) if archived else unarchive(person)
        facts |= {"archived": archived} if is_changed else {}
    return saved(person, facts)


# An inactive agent cannot be renamed, but one request can reactivate and rename it.
update_user = replace(update_profile, policy=rules.may_edit, effect=update_user_with)
