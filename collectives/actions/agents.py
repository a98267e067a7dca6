"""Actions that add members' agents to a collective and remove them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from accounts import rules as people_rules
from accounts.models import TenantUser
from accounts.queries import people, with_user
from accounts.security_words import LogEntry
from collectives import queries
from collectives.actions.members import removed_from_collective
from collectives.models import CollectiveMember
from collectives.rules.members import AGENT_REMOVED, add_member, end_membership, lock_members
from collectives.rules.policies import is_collective_admin, may_add_agents, may_remove_agents
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Confirmation, Logged, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.http.redirects import local_path
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Id, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import ASK_YOUR_HUMAN, Denied, Forbidden, NotFound, Proof, Refused
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

NOT_OWN = "You can only add your own AI agents."
ADDED_BY_PARENT = "The person who manages the agent can add it, if they can invite members here."
ITS_HUMAN = "The person who manages the agent can add or remove it."
NOT_A_MEMBER = "AI Agent is not a member of this collective."


class AgentMemberParams(Params):
    ai_agent_id = Id(
        label="Agent",
        help_text="The id of one of your agents.",
        widget=Widget(is_chosen_before=True),
    )


def agent_with(user_id: UUID) -> TenantUser:
    """Return an agent of the tenant by user id.

    Raises:
        NotFound: the agent does not exist in this tenant.
    """
    person = with_user().filter(user=user_id, user__user_type="ai_agent").first()
    if person is None:
        raise NotFound("AI Agent not found.")
    return person


def own_agent(access: Access, user_id: UUID) -> TenantUser:
    """Return one of the caller's agents by user id.

    Raises:
        NotFound: the agent does not exist in this tenant.
        Forbidden: the agent has another parent.
    """
    person = agent_with(user_id)
    if not people_rules.is_parent_of(access, person):
        raise Forbidden(NOT_OWN, hint=ITS_HUMAN)
    return person


# --- Adding ---------------------------------------------------------------------------------


def _add_agent(access: Access, target: object, *, ai_agent_id: UUID) -> Outcome:
    return _added(access, own_agent(access, ai_agent_id))


def _added(access: Access, agent: TenantUser) -> Outcome:
    if agent.archived_at is not None:
        raise Forbidden.because(people_rules.inactive(agent))
    collective = lock_members(access.required_place.id)
    row = queries.membership_of(collective.id, agent)
    was_in = row is not None and row.archived_at is None
    add_member(collective, agent, now=access.now)
    return Outcome(
        f"{agent.display_name} was added to {access.required_place.name}.",
        path_to("collectives.members", access.required_place.path),
        object=agent,
        facts=None if was_in else _facts(access, agent),
    )


def _facts(access: Access, agent: TenantUser) -> dict[str, Any]:
    return {
        "about": people_rules.person_reference(agent),
        "collective_id": access.required_place.id,
    }


def _agent_added(entry: LogEntry) -> str:
    return f"{entry.subject} was added to {entry.where}"


add_ai_agent_to_collective: Action[object] = Action(
    name="add_ai_agent_to_collective",
    sentence="Add one of your agents to this collective.",
    label="Add agent",
    scope=Scope("create:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.added",
    params=AgentMemberParams,
    policy=may_add_agents,
    effect=_add_agent,
    logged=Logged(audit.USER_ACTION, _agent_added),
    people_only="Only people can add agents.",
    for_agents=lambda access: ADDED_BY_PARENT,
)


# --- Removing -------------------------------------------------------------------------------


def _locked_membership(access: Access, agent: TenantUser) -> CollectiveMember | None:
    """Lock the membership and return the agent's, even if the agent is inactive."""
    lock_members(access.required_place.id)
    row = queries.membership_of(access.required_place.id, agent)
    return row if row is not None and row.archived_at is None else None


def _remove_agent(access: Access, target: object, *, ai_agent_id: UUID) -> Outcome:
    agent = own_agent(access, ai_agent_id)
    row = _locked_membership(access, agent)
    if row is None:
        raise Refused(NOT_A_MEMBER, status=422, code="invalid")
    return _removed(access, agent, row)


def _removed(access: Access, agent: TenantUser, row: CollectiveMember) -> Outcome:
    end_membership(access, row)
    return Outcome(
        f"{agent.display_name} was removed from {access.required_place.name}.",
        path_to("collectives.members", access.required_place.path),
        object=agent,
        facts=_facts(access, agent),
    )


def _ask_to_remove_agent(access: Access, target: object) -> Confirmation:
    parsed = parse_uuid(access.query.get("ai_agent_id", ""))
    person = with_user().filter(user=parsed, user__parent=access.user.user_id).first()
    if person is None:
        return Confirmation("Remove an agent")
    facts = (("Agent", people([person.user_id])[person.user_id]),)
    heading = f"Remove “{person.display_name}” from {access.required_place.name}?"
    return Confirmation(heading, facts, AGENT_REMOVED)


remove_ai_agent_from_collective: Action[object] = Action(
    name="remove_ai_agent_from_collective",
    sentence="Remove one of your agents from this collective.",
    label="Remove agent",
    scope=Scope("delete:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="member.removed",
    params=AgentMemberParams,
    policy=may_remove_agents,
    effect=_remove_agent,
    logged=Logged(audit.USER_ACTION, removed_from_collective),
    is_dangerous=True,
    confirm=_ask_to_remove_agent,
    people_only="Only people can remove agents.",
    for_agents=lambda access: ASK_YOUR_HUMAN,
)


# --- Forms of public clients on the settings of a collective --------------------------------


class AddFormParams(AgentMemberParams):
    return_to = Line(
        required=False,
        allow_blank=True,
        help_text="The path that a browser is redirected to.",
        widget=Widget(is_hidden=True),
    )


def _add_by_form(
    access: Access, target: object, *, ai_agent_id: UUID, return_to: str = ""
) -> Outcome:
    outcome = _add_agent(access, target, ai_agent_id=ai_agent_id)
    agent = outcome.object
    shown = people([agent.user_id])[agent.user_id]
    return replace(
        outcome,
        path=local_path(return_to, outcome.path),
        json={
            "ai_agent_id": str(agent.user_id),
            "ai_agent_name": agent.display_name,
            "ai_agent_path": agent.get_absolute_url(),
            "parent_name": shown.parent_name,
            "parent_path": shown.parent_path,
        },
    )


add_by_form = replace(add_ai_agent_to_collective, params=AddFormParams, effect=_add_by_form)


def _remove_by_form(access: Access, target: object, *, ai_agent_id: UUID) -> Outcome:
    agent = agent_with(ai_agent_id)
    row = _locked_membership(access, agent)
    if row is None:
        raise NotFound(NOT_A_MEMBER)
    can_readd = (
        people_rules.is_parent_of(access, agent)
        and agent.archived_at is None
        and may_add_agents(access, None) is None
    )
    return replace(
        _removed(access, agent, row),
        json={
            "ai_agent_id": str(agent.user_id),
            "ai_agent_name": agent.display_name,
            "can_readd": can_readd,
        },
    )


def _may_remove_any_agent(access: Access, target: object) -> Denied | None:
    return may_remove_agents(access, target) or is_collective_admin(access, target)


# With this form an admin removes any agent. With the action a parent removes their own agents.
remove_by_form = replace(
    remove_ai_agent_from_collective, policy=_may_remove_any_agent, effect=_remove_by_form
)


# --- Forms of public clients on the profile of an agent -------------------------------------


class AgentCollectiveParams(Params):
    collective_id = Line(help_text="The id or handle of one of your collectives.")


def _is_own(access: Access, agent: TenantUser | None) -> Denied | None:
    if agent is None or people_rules.is_parent_of(access, agent):
        return None
    return Denied(NOT_OWN, ITS_HUMAN)


def _entered(access: Access, collective_id: str) -> Access:
    """Return the caller's access in the collective that a form names."""
    return replace(access.within(collective_id.lower()), now=access.now)


def _add_to(access: Access, agent: TenantUser, *, collective_id: str) -> Outcome:
    there = _entered(access, collective_id)
    if denied := may_add_agents(there, None):
        raise Forbidden.because(denied)
    outcome = _added(there, agent)
    return replace(
        outcome,
        path=_settings_of(agent),
        json={**_collective_json(there), "collective_path": there.required_place.path},
    )


def _remove_from(access: Access, agent: TenantUser, *, collective_id: str) -> Outcome:
    there = _entered(access, collective_id)
    if denied := may_remove_agents(there, None):
        raise Forbidden.because(denied)
    row = _locked_membership(there, agent)
    if row is None:
        raise NotFound(NOT_A_MEMBER)
    outcome = _removed(there, agent, row)
    return replace(outcome, path=_settings_of(agent), json=_collective_json(there))


def _settings_of(agent: TenantUser) -> str:
    return path_to("agents.settings", handle=agent.handle)


def _collective_json(access: Access) -> dict[str, Any]:
    return {
        "collective_id": str(access.required_place.id),
        "collective_name": access.required_place.name,
    }


# The target of these forms is the agent.
ADD: Action[TenantUser] = add_ai_agent_to_collective
REMOVE: Action[TenantUser] = remove_ai_agent_from_collective
add_to_collective = replace(ADD, params=AgentCollectiveParams, policy=_is_own, effect=_add_to)
remove_from_collective = replace(
    REMOVE, params=AgentCollectiveParams, policy=_is_own, effect=_remove_from
)
