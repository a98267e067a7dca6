"""Actions of a parent that pause an AI agent and resume it."""

from __future__ import annotations

from datetime import datetime

from accounts import rules
from accounts.actions.people import agent_resource
from accounts.agents.models import Agent, path_of
from accounts.models import TenantUser
from accounts.queries import people
from accounts.security_words import LogEntry
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import Proof
from harmonic.kernel.scopes import Scope


def _set_paused(agent: TenantUser, at: datetime | None) -> bool:
    """Store when an agent was paused, or None to resume it. Return whether its state changed."""
    row = Agent.objects.select_for_update(no_key=True).get(user=agent.user_id)
    if (row.paused_at is None) is (at is None):
        return False
    row.paused_at = at
    row.save(update_fields=["paused_at"])
    return True


def _is_paused(agent: TenantUser) -> bool:
    return agent.user.agent.paused_at is not None


def _outcome(agent: TenantUser, message: str, *, is_changed: bool) -> Outcome:
    return Outcome(
        message,
        path_of(agent),
        agent_resource(agent),
        agent,
        facts={"about": rules.person_reference(agent)} if is_changed else None,
    )


def _agent(agent: TenantUser) -> tuple[tuple[str, object], ...]:
    return (("Agent", people([agent.user_id])[agent.user_id]),)


# --- Pausing --------------------------------------------------------------------------------


def _pause(access: Access, agent: TenantUser) -> Outcome:
    if not _set_paused(agent, access.now):
        return _outcome(agent, f"{agent.display_name} is already paused.", is_changed=False)
    message = f"{agent.display_name} is paused. Its tokens are kept."
    return _outcome(agent, message, is_changed=True)


def _ask_to_pause(access: Access, agent: TenantUser) -> Confirmation:
    return Confirmation(
        f"Pause “{agent.display_name}”?",
        _agent(agent),
        "All its requests are refused and its runs end until you resume it. Its tokens and"
        " memberships are kept.",
    )


def _agent_paused(entry: LogEntry) -> str:
    return f"The agent {entry.subject} was paused"


pause_ai_agent: Action[TenantUser] = Action(
    name="pause_ai_agent",
    sentence=(
        "Refuse all requests of this agent and end its runs until you resume it. Its tokens are"
        " kept."
    ),
    label="Pause agent",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="agent.paused",
    policy=rules.may_change_agent,
    is_offered=lambda access, agent: agent is None or not _is_paused(agent),
    effect=_pause,
    confirm=_ask_to_pause,
    logged=Logged(audit.USER_ACTION, _agent_paused),
    people_only="Only people can pause agents.",
    audience="public",
)


# --- Resuming -------------------------------------------------------------------------------


def _resume(access: Access, agent: TenantUser) -> Outcome:
    if not _set_paused(agent, None):
        return _outcome(agent, f"{agent.display_name} is not paused.", is_changed=False)
    message = f"{agent.display_name} is active again, with the same tokens."
    return _outcome(agent, message, is_changed=True)


def _ask_to_resume(access: Access, agent: TenantUser) -> Confirmation:
    return Confirmation(
        f"Resume “{agent.display_name}”?",
        (*_agent(agent), ("Paused", agent.user.agent.paused_at or "Not paused")),
        "Its tokens work again immediately. Runs that ended do not continue.",
    )


def _agent_resumed(entry: LogEntry) -> str:
    return f"The agent {entry.subject} was resumed"


resume_ai_agent: Action[TenantUser] = Action(
    name="resume_ai_agent",
    sentence="Accept this agent's requests again. Its tokens work as before the pause.",
    label="Resume agent",
    scope=Scope("update:users"),
    grant=NEVER,
    # Tokens that were refused work again.
    proof=Proof.API_TOKENS,
    changes_access=True,
    emits="agent.resumed",
    policy=rules.may_change_agent,
    is_offered=lambda access, agent: agent is None or _is_paused(agent),
    effect=_resume,
    confirm=_ask_to_resume,
    logged=Logged(audit.USER_ACTION, _agent_resumed),
    people_only="Only people can resume agents.",
    audience="public",
)
