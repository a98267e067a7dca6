"""Making AI agents and looking after them. People only; agents never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from accounts import rules
from accounts.actions.people import agent_deactivated, agent_reactivated, rename
from accounts.agents.models import Agent
from accounts.agents.rules import new_agent
from accounts.models import TenantUser, User
from accounts.queries import people
from accounts.security_words import Happened, listed
from collectives import queries as collectives
from collectives.rules import archive_person, join_tenant, unarchive_person
from harmonic.kernel import audit, registry
from harmonic.kernel.access import Access, AgentMode, Denied, Forbidden, Proof
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome, Resource
from harmonic.kernel.capabilities import ALL_USUAL, NEVER, Level
from harmonic.kernel.parameters.fields import Block, Flag, Line, Names, Params
from harmonic.kernel.scopes import READ_WRITE, Scope
from tokens.actions import last_use, secret_of
from tokens.queries import tokens_of
from tokens.rules import NOT_FOR_INTERNAL, create_token, end_tokens, held_by

PEOPLE_ONLY = "Only human accounts can create AI agents."
LATER_TOO = (
    "Select what this agent may do. An agent with every usual capability also gets usual ones"
    " that are added later."
)


def path_of(agent: TenantUser) -> str:
    return f"/ai-agents/{agent.handle}"


def resource(agent: TenantUser) -> Resource:
    return Resource("AI Agent", agent.handle, path_of(agent))


# --- Making one -----------------------------------------------------------------------------


class AgentParams(Params):
    name = Line(
        max_length=User.NAME_LENGTH, help_text="What the agent is called.", style={"help": ""}
    )
    identity_prompt = Block(
        required=False,
        allow_blank=True,
        max_length=Agent.PROMPT_LENGTH,
        help_text="What the agent is told about itself, on its page /whoami.",
        style={"rows": 4},
    )
    mode = Line(
        required=False,
        allow_blank=True,
        help_text="external (run by you, with a token) or internal (run by Harmonic). Fixed.",
        style={
            "kind": "radios",
            "initial": "external",
            "help": "",
            "options": [
                ("external", "External", "You run it, with an API token."),
                ("internal", "Internal", "Harmonic runs it and manages its tokens."),
            ],
        },
    )
    model = Line(
        required=False,
        allow_blank=True,
        max_length=Agent.MODEL_LENGTH,
        help_text="The model of an internal agent.",
        style={"hidden": True},
    )
    capabilities = Names(
        required=False,
        help_text="What it may do; the usual capabilities unless given, nothing if empty.",
        style={
            "groups": registry.options,
            "help": f"{LATER_TOO} You can change this later.",
        },
    )
    generate_token = Flag(
        required=False,
        label="Make a token for it now",
        help_text="Whether to make a token (external agents only). It is shown once.",
        style={"initial": True, "help": "Read + write, 12 months. It is shown once."},
    )


def _create(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    mode = AgentMode.INTERNAL if params.get("mode") == "internal" else AgentMode.EXTERNAL
    tenant = rules.handles_locked(access.tenant.id)
    if mode is AgentMode.INTERNAL and not tenant.is_ai_agents_enabled:
        raise Forbidden(
            "AI Agents feature is not enabled for this tenant",
            hint="A tenant admin can turn on internal AI agents at /tenant-admin/settings.",
        )
    user = new_agent(
        name=params["name"],
        parent_id=access.user.user_id,
        now=access.now,
        mode=mode,
        model=(params.get("model") or "default") if mode is AgentMode.INTERNAL else "",
        capability_names=chosen(params),
        identity_prompt=params.get("identity_prompt", ""),
    )
    agent = join_tenant(user, tenant, now=access.now, handle=params.get("handle", ""))
    return _with_token(access, agent, wanted=params.get("generate_token", False))


def chosen(params: Mapping[str, Any]) -> list[str]:
    """Return the capabilities to store for a new agent: those sent, or the usual ones."""
    if "capabilities" not in params:
        return [ALL_USUAL]
    return registry.stored(params["capabilities"])


def _usual(access: Access, target: Any) -> Mapping[str, Any]:
    return {"capabilities": registry.grantable(Level.USUAL)}


def _with_token(access: Access, agent: TenantUser, *, wanted: bool) -> Outcome:
    row = agent.user.agent
    outcome = Outcome(
        f"The agent {agent.display_name} is made.",
        path_of(agent),
        resource(agent),
        agent,
        facts={
            "about": rules.someone(agent),
            "mode": row.mode,
            "granted": registry.granted_by(row.capabilities),
        },
    )
    if not wanted:
        return outcome
    if row.is_internal:
        note = "Internal AI agents get no token: Harmonic manages theirs."
        return replace(outcome, notes=(note,))
    made = create_token(
        access,
        agent,
        name=f"{agent.display_name}'s API Token"[: User.NAME_LENGTH],
        scopes=held_by(access, READ_WRITE),
        expires_at=None,
    )
    return replace(outcome, secret=secret_of(access, made))


def _may(granted: Sequence[str]) -> str:
    """Return what a new agent may do, as it follows "may"."""
    if not granted:
        return "do nothing yet"
    usual = registry.grantable(Level.USUAL)
    if not set(usual) <= set(granted):
        return listed(granted)
    careful = [name for name in registry.grantable(Level.CAREFUL) if name in granted]
    return f"do what is usual, and {listed(careful)}" if careful else "do what is usual"


def _agent_made(happened: Happened) -> str:
    mode = "internal" if happened.data.get("mode") == "internal" else "external"
    may = _may(happened.data.get("granted", []))
    return f"Made the {mode} agent {happened.subject}; it may {may}"


create_ai_agent = Action(
    name="create_ai_agent",
    sentence="Make an AI agent. It acts under its own name; you stay responsible for it.",
    label="Create agent",
    scope=Scope("create:users"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    params=AgentParams,
    policy=rules.is_human,
    effect=_create,
    initial=_usual,
    logged=Logged(audit.USER_ACTION, _agent_made),
    people_only=PEOPLE_ONLY,
    audience="public",
)

# --- Settings -------------------------------------------------------------------------------


class AgentSettingsParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=User.NAME_LENGTH,
        help_text="Its name.",
        style={"required": True, "help": ""},
    )
    new_handle = Line(
        required=False,
        allow_blank=True,
        label="Handle",
        help_text="Its handle.",
        style={"required": True, "help": ""},
    )
    identity_prompt = Block(
        required=False,
        allow_blank=True,
        max_length=Agent.PROMPT_LENGTH,
        help_text="What the agent is told about itself; blank leaves it as it is.",
        style={"rows": 6},
    )
    model = Line(
        required=False,
        allow_blank=True,
        max_length=Agent.MODEL_LENGTH,
        help_text="The model of an internal agent.",
        style={"hidden": True},
    )
    capabilities = Names(
        required=False,
        help_text="What it may do; an empty list allows nothing.",
        style={"groups": registry.options, "help": LATER_TOO},
    )
    allow_public_writes = Flag(
        required=False,
        label="May write where the whole tenant reads",
        help_text="Whether it may write in the main collective.",
        style={"help": "In the main collective. Elsewhere it writes as its capabilities say."},
    )


def _update(access: Access, agent: TenantUser, params: dict[str, Any]) -> Outcome:
    changed = rename(access, agent, params.get("name", ""), params.get("new_handle", ""))
    row = Agent.objects.select_for_update(no_key=True).get(user=agent.user_id)
    before, changes = copy(row), _changes(row, params)
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=list(changes))
    User.objects.filter(id=agent.user_id).update(updated_at=access.now)
    granted = _regranted(before, row) if "capability_names" in changes else {}
    facts = {**granted, "changed": changed | _other(before, changes)}
    return Outcome(
        "The agent's settings are saved.",
        f"{path_of(agent)}/settings",
        resource(agent),
        agent,
        facts={"about": rules.someone(agent), **facts} if any(facts.values()) else None,
    )


def _regranted(before: Agent, after: Agent) -> dict[str, list[str]]:
    """Return which capabilities a change grants and withdraws."""
    old = registry.granted_by(before.capabilities)
    new = registry.granted_by(after.capabilities)
    return {
        "granted": [name for name in new if name not in old],
        "withdrawn": [name for name in old if name not in new],
    }


# The columns of an agent whose changes the security log names as they were sent.
LOGGED_AS = {"may_write_publicly": "allow_public_writes"}


def _other(before: Agent, changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what else changes, by the names of the parameters."""
    names = {name: LOGGED_AS.get(name, name) for name in changes if name != "capability_names"}
    return audit.changed(
        {said: getattr(before, name) for name, said in names.items()},
        {said: changes[name] for name, said in names.items()},
    )


def _changes(row: Agent, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new values of the columns that a form or a request changes."""
    changes: dict[str, Any] = {}
    if params.get("identity_prompt", "").strip():
        changes["identity_prompt"] = params["identity_prompt"]
    if params.get("model") and row.is_internal:
        changes["model"] = params["model"]
    if "capabilities" in params:
        changes["capability_names"] = registry.stored(params["capabilities"], row.capabilities)
    if "allow_public_writes" in params:
        changes["may_write_publicly"] = params["allow_public_writes"]
    return changes


def _current(access: Access, agent: TenantUser | None) -> Mapping[str, Any]:
    if agent is None:
        return {}
    row = agent.user.agent
    return {
        "name": agent.display_name,
        "new_handle": agent.handle,
        "identity_prompt": row.identity_prompt,
        "capabilities": registry.held_by(row.capabilities),
        "allow_public_writes": row.may_write_publicly,
    }


def _agent_changed(happened: Happened) -> str:
    return f"The agent {happened.subject} was changed{happened.changes}"


update_ai_agent = Action(
    name="update_ai_agent",
    sentence="Change the agent's name, handle, identity prompt or capabilities.",
    label="Save settings",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    params=AgentSettingsParams,
    policy=rules.may_change_agent,
    effect=_update,
    initial=_current,
    logged=Logged(audit.USER_ACTION, _agent_changed),
    people_only="Only people can change agents.",
    audience="public",
)


def _agent_of(target: Any) -> Any:
    """Return the agent, of whom or of whose token the target is."""
    return getattr(target, "owner", target)


def may_stop(access: Access, target: Any) -> Denied | None:
    """The parent of an agent that has tokens of its own; Harmonic ends those of the others."""
    agent = _agent_of(target)
    if denied := rules.may_manage_agent(access, agent):
        return denied
    if agent is not None and agent.user.is_internal_agent:
        return Denied(f"{NOT_FOR_INTERNAL}.", "Deactivate the agent instead.")
    return None


def _stop(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    agent = _agent_of(target)
    ended = end_tokens(access, agent)
    counted = "no token" if not ended else "1 token" if ended == 1 else f"{ended} tokens"
    return Outcome(
        f"{agent.display_name} is stopped: {counted} deleted.",
        f"{path_of(agent)}/settings",
        resource(agent),
        agent,
    )


def _ask_to_stop(access: Access, target: Any) -> Confirmation:
    agent = _agent_of(target)
    tokens = tokens_of(agent)
    used = tokens.exclude(last_used_at=None).order_by("-last_used_at").first()
    return Confirmation(
        f"Stop “{agent.display_name}”?",
        (
            ("Agent", people([agent.user_id])[agent.user_id]),
            ("Active tokens", tokens.active(access.now).count()),
            ("Tokens in all", tokens.count()),
            *last_use(used),
        ),
    )


stop_ai_agent = Action(
    name="stop_ai_agent",
    sentence=(
        "Delete all tokens of this agent at once. It stays where it is a member,"
        " and acts again once it has a new token."
    ),
    label="Stop agent",
    scope=Scope("delete:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    policy=may_stop,
    is_offered=lambda access, target: target is None or _agent_of(target).archived_at is None,
    effect=_stop,
    is_dangerous=True,
    confirm=_ask_to_stop,
    people_only="Only people can stop agents.",
    audience="private",
)


def _deactivate(access: Access, agent: TenantUser, params: dict[str, Any]) -> Outcome:
    is_changed = archive(access, agent)
    return Outcome(
        f"{agent.display_name} is inactive, and its tokens are deleted.",
        path_of(agent),
        resource(agent),
        agent,
        facts={"about": rules.someone(agent)} if is_changed else None,
    )


def archive(access: Access, agent: TenantUser) -> bool:
    """Let an agent rest, and answer whether it did not: its tokens end, its workspace closes."""
    if agent.archived_at is not None:
        return False
    if not agent.user.is_internal_agent:
        end_tokens(access, agent)
    archive_person(agent, access.now)
    return True


def unarchive(agent: TenantUser) -> bool:
    """Wake an agent, and answer whether it rested. Its old tokens stay deleted."""
    was_resting = agent.archived_at is not None
    unarchive_person(agent)
    return was_resting


def _ask_to_deactivate(access: Access, agent: TenantUser) -> Confirmation:
    inside = collectives.collectives_of([agent]).get(agent.id, [])
    names = ", ".join(each.name for each in inside)
    return Confirmation(
        f"Deactivate “{agent.display_name}”?",
        (
            ("Agent", people([agent.user_id])[agent.user_id]),
            ("Member of", names or "Nothing but the main collective"),
        ),
        "Its tokens are deleted at once, and it can do nothing here until you bring it back."
        " What it wrote stays.",
    )


deactivate_ai_agent = Action(
    name="deactivate_ai_agent",
    sentence="Deactivate this agent: its tokens are deleted at once, its account is closed here.",
    label="Deactivate agent",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    policy=rules.may_manage_agent,
    is_offered=lambda access, agent: agent is None or agent.archived_at is None,
    effect=_deactivate,
    is_dangerous=True,
    confirm=_ask_to_deactivate,
    logged=Logged(audit.USER_ACTION, agent_deactivated),
    people_only="Only people can stop agents.",
    audience="public",
)


def _reactivate(access: Access, agent: TenantUser, params: dict[str, Any]) -> Outcome:
    is_changed = unarchive(agent)
    return Outcome(
        f"{agent.display_name} is active again. It needs a new token.",
        path_of(agent),
        resource(agent),
        agent,
        facts={"about": rules.someone(agent)} if is_changed else None,
    )


reactivate_ai_agent = Action(
    name="reactivate_ai_agent",
    sentence="Bring this agent back. Its old tokens stay deleted.",
    label="Reactivate agent",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    policy=rules.may_manage_agent,
    is_offered=lambda access, agent: agent is None or agent.archived_at is not None,
    effect=_reactivate,
    logged=Logged(audit.USER_ACTION, agent_reactivated),
    people_only="Only people can bring agents back.",
    audience="public",
)
