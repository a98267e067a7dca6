"""The action that stops an AI agent by revoking all of its tokens and ending its runs."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.actions.people import agent_resource
from accounts.models import TenantUser
from accounts.queries import people
from accounts.rules import may_manage_agent, person_reference
from accounts.security_words import LogEntry
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.refusals import Denied, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope
from tokens.actions import last_use
from tokens.models import ApiToken
from tokens.queries import tokens_of
from tokens.rules import revoke_tokens

# An agent can be stopped from its own pages and from the pages of its tokens.
Stoppable = TenantUser | ApiToken


def _agent_of(target: Stoppable) -> TenantUser:
    return target.owner if isinstance(target, ApiToken) else target


def may_stop(access: Access, target: Stoppable | None) -> Denied | None:
    """Allow the agent's parent."""
    return may_manage_agent(access, _agent_of(target) if target else None)


def _stop(access: Access, target: Stoppable) -> Outcome:
    agent = _agent_of(target)
    if agent.user.is_internal_agent:
        # Its tokens belong to its runs, which end with the event.
        return _stopped(agent, "its runs have ended.", {})
    count = revoke_tokens(access, agent)
    shown = "no tokens" if not count else "1 token" if count == 1 else f"{count} tokens"
    return _stopped(agent, f"{shown} deleted.", {"count": count} if count else None)


def _stopped(agent: TenantUser, message: str, facts: Mapping[str, int] | None) -> Outcome:
    return Outcome(
        f"Stopped {agent.display_name}: {message}",
        path_to("agents.settings", handle=agent.handle),
        agent_resource(agent),
        agent,
        facts=None if facts is None else {"about": person_reference(agent), **facts},
    )


def _confirm_stop(access: Access, target: Stoppable) -> Confirmation:
    agent = _agent_of(target)
    if agent.user.is_internal_agent:
        return Confirmation(
            f"Stop “{agent.display_name}”?",
            (("Agent", people([agent.user_id])[agent.user_id]),),
            "All its runs end immediately. It stays a member, and you can start a new run.",
        )
    tokens = tokens_of(agent)
    used = tokens.exclude(last_used_at=None).order_by("-last_used_at").first()
    return Confirmation(
        f"Stop “{agent.display_name}”?",
        (
            ("Agent", people([agent.user_id])[agent.user_id]),
            ("Active tokens", tokens.active(access.now).count()),
            ("All tokens", tokens.count()),
            *last_use(used),
        ),
    )


def _agent_stopped(entry: LogEntry) -> str:
    return f"The agent {entry.subject} was stopped"


stop_ai_agent: Action[Stoppable] = Action(
    name="stop_ai_agent",
    sentence=(
        "Revoke all of this agent's tokens and end its runs immediately. The agent stays a member"
        " and can act again when you create a new token or start a new run."
    ),
    label="Stop agent",
    scope=Scope("delete:api_tokens"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="agent.stopped",
    policy=may_stop,
    is_offered=lambda access, target: target is None or _agent_of(target).archived_at is None,
    effect=_stop,
    is_dangerous=True,
    confirm=_confirm_stop,
    logged=Logged(audit.USER_ACTION, _agent_stopped),
    people_only="Only people can stop agents.",
    audience="private",
)
