"""The action by which a person creates an AI agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accounts import rules
from accounts.actions.people import agent_resource
from accounts.agents import presets
from accounts.agents.actions.settings import GRID, PRESET, PRESET_HELP
from accounts.agents.models import Agent, path_of
from accounts.agents.presets import Preset
from accounts.agents.rules import new_agent
from accounts.models import TenantUser, User
from accounts.security_words import LogEntry, listed
from collectives.rules.tenants import join_tenant
from harmonic.kernel import registry
from harmonic.kernel.access import Access, AgentMode
from harmonic.kernel.actions import Action, Logged, Outcome
from harmonic.kernel.capabilities import ALL_USUAL, NEVER, Level
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Block, Choice, Flag, Line, Params, StringList
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import ASK_YOUR_HUMAN, Forbidden, Invalid, Proof
from harmonic.kernel.scopes import READ_WRITE, Scope
from tokens.actions import secret_of
from tokens.lifetimes import LONGEST
from tokens.rules import create_token, grantable_scopes

PEOPLE_ONLY = "Only human accounts can create AI agents."


class CreateAgentParams(Params):
    name = Line(
        max_length=User.NAME_LENGTH,
        help_text="The agent's name.",
        widget=Widget(help=""),
        example="Scout",
    )
    identity_prompt = Block(
        required=False,
        allow_blank=True,
        max_length=Agent.PROMPT_LENGTH,
        help_text="Instructions the agent reads about itself, on its page /whoami.",
        widget=Widget(rows=4),
    )
    mode = Line(
        required=False,
        allow_blank=True,
        help_text="external (you run it, with a token) or internal (Harmonic runs it). Permanent.",
        widget=Widget(
            kind="radios",
            initial="external",
            help="",
            options=[
                ("external", "External", "You run it, with an API token."),
                ("internal", "Internal", "Harmonic runs it and manages its tokens."),
            ],
        ),
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
        help_text=f"{PRESET_HELP} Default: contribute.",
        widget=PRESET,
    )
    capabilities = StringList(
        required=False,
        label="Allowed actions",
        help_text=(
            "The actions that the agent is allowed to run; the usual ones by default. An empty"
            " list allows none."
        ),
        widget=GRID,
    )
    generate_token = Flag(
        required=False,
        label="Create a token now",
        help_text="Create a token as well (external agents only). It is shown once.",
        widget=Widget(help=f"Read + write, {LONGEST}. It is shown once."),
    )


def create_agent(
    access: Access,
    target: None,
    *,
    name: str,
    handle: str = "",
    identity_prompt: str = "",
    mode: str = "",
    model: str = "",
    preset: str = "",
    capabilities: list[str] | None = None,
    generate_token: bool = False,
) -> Outcome:
    """Create an agent. Only REST sends a handle; if it is not available, the name gives one.

    Without `preset` and `capabilities` the agent has the usual capabilities.
    """
    kind = AgentMode.INTERNAL if mode == "internal" else AgentMode.EXTERNAL
    names = presets.stored(preset, capabilities)
    tenant = rules.handles_locked(access.tenant.id)
    if kind is AgentMode.INTERNAL and not tenant.is_ai_agents_enabled:
        raise Forbidden(
            "AI Agents feature is not enabled for this tenant",
            hint="A tenant admin can enable internal AI agents at /tenant-admin/settings.",
        )
    user = new_agent(
        name=name,
        parent_id=access.user.user_id,
        now=access.now,
        mode=kind,
        model=(model or "default") if kind is AgentMode.INTERNAL else "",
        capability_names=[ALL_USUAL] if names is None else names,
        identity_prompt=identity_prompt,
    )
    agent = join_tenant(user, tenant, now=access.now, handle=_free(handle))
    return _with_token(access, agent, wanted=generate_token)


def _free(wanted: str) -> str:
    """Return the slug of a handle if it is available, "" otherwise."""
    try:
        return rules.checked_handle(wanted)
    except Invalid:
        return ""


def _usual(access: Access, target: None) -> Mapping[str, Any]:
    return {"preset": Preset.CONTRIBUTE, "capabilities": registry.grantable(Level.USUAL)}


def _with_token(access: Access, agent: TenantUser, *, wanted: bool) -> Outcome:
    row = agent.user.agent
    outcome = Outcome(
        f"The agent {agent.display_name} was created.",
        path_of(agent),
        agent_resource(agent),
        agent,
        facts={
            "about": rules.person_reference(agent),
            "mode": row.mode,
            "granted": registry.granted_by(row.capabilities),
        },
    )
    if not wanted:
        return outcome
    if row.is_internal:
        note = "No token was created: Harmonic manages the tokens of internal agents."
        return replace(outcome, notes=(note,))
    made = create_token(
        access,
        agent,
        name=f"{agent.display_name}'s API Token"[: User.NAME_LENGTH],
        scopes=grantable_scopes(access, READ_WRITE),
        expires_at=None,
    )
    return replace(outcome, secret=secret_of(access, made))


def _granted(granted: Sequence[str]) -> str:
    """Return the capabilities of a new agent, to follow "with" in a sentence."""
    if not granted:
        return "no capabilities"
    usual = registry.grantable(Level.USUAL)
    if not set(usual) <= set(granted):
        return f"the capabilities {listed(granted)}"
    careful = [name for name in registry.grantable(Level.CAREFUL) if name in granted]
    extra = f" and {listed(careful)}" if careful else ""
    return f"the usual capabilities{extra}"


def _agent_made(entry: LogEntry) -> str:
    mode = "internal" if entry.data.get("mode") == "internal" else "external"
    capabilities = _granted(entry.data.get("granted", []))
    return f"Created the {mode} agent {entry.subject} with {capabilities}"


create_ai_agent: Action[None] = Action(
    name="create_ai_agent",
    sentence="Create an AI agent. It acts under its own name, and you are responsible for it.",
    label="Create agent",
    scope=Scope("create:users"),
    grant=NEVER,
    proof=Proof.API_TOKENS,
    changes_access=True,
    emits="agent.created",
    params=CreateAgentParams,
    policy=rules.is_human,
    effect=create_agent,
    initial=_usual,
    logged=Logged(audit.USER_ACTION, _agent_made),
    people_only=PEOPLE_ONLY,
    for_agents=lambda access: ASK_YOUR_HUMAN,
    audience="public",
)
