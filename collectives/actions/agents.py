"""The agents of a member in a collective: bringing them in and taking them out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts import rules as people_rules
from accounts.models import TenantUser
from accounts.queries import people, with_user
from collectives import queries, rules
from harmonic.kernel import audit
from harmonic.kernel.access import Access, Denied, Forbidden, NotFound, Proof, Refused
from harmonic.kernel.actions import Action, Confirmation, Outcome
from harmonic.kernel.fields import Id, Params
from harmonic.kernel.tenancy import parse_uuid


class AgentParams(Params):
    ai_agent_id = Id(
        label="Agent", help_text="The id of one of your agents.", style={"chosen_before": True}
    )


def own_agent(access: Access, user_id: UUID) -> TenantUser:
    """Return one of the caller's agents by user id.

    Raises:
        NotFound: there is no such agent in this tenant.
        Forbidden: it is somebody else's.
    """
    person = with_user().filter(user=user_id, user__user_type="ai_agent").first()
    if person is None:
        raise NotFound("AI Agent not found.")
    if not people_rules.is_parent_of(access, person):
        raise Forbidden(
            "You can only add your own AI agents.", hint="The human who manages the agent can."
        )
    return person


def may_add_agents(access: Access, target: Any) -> Denied | None:
    if access.place is not None and access.here.is_workspace:
        return Denied(
            "Cannot add other users to a private workspace", "Make a collective to share."
        )
    return rules.may_invite(access, target)


def _add_agent(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    agent = own_agent(access, params["ai_agent_id"])
    if agent.archived_at is not None:
        settings = f"/ai-agents/{agent.handle}/settings"
        raise Forbidden("This agent is inactive.", hint=f"Bring it back at {settings} first.")
    row = queries.membership_of(access.here.id, agent)
    was_in = row is not None and row.archived_at is None
    rules.add_member(queries.here(access), agent, now=access.now)
    return Outcome(
        f"{agent.display_name} was added to {access.here.name}.",
        f"{access.here.path}/members",
        object=agent,
        facts=None if was_in else {"about": people_rules.someone(agent)},
    )


add_ai_agent_to_collective = Action(
    name="add_ai_agent_to_collective",
    sentence="Bring one of your agents into this collective.",
    label="Add agent",
    scope="create:all",
    proof=Proof.NONE,
    changes_access=True,
    params=AgentParams,
    policy=may_add_agents,
    effect=_add_agent,
    event=audit.USER_ACTION,
    people_only="Only people can add agents.",
)


def _remove_agent(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    agent = own_agent(access, params["ai_agent_id"])
    row = queries.membership_of(access.here.id, agent)
    if row is None or row.archived_at is not None:
        raise Refused("AI Agent is not a member of this collective.", status=422, code="invalid")
    rules.remove_member(row, access.now)
    return Outcome(
        f"{agent.display_name} was removed from {access.here.name}.",
        f"{access.here.path}/members",
        object=agent,
        facts={"about": people_rules.someone(agent)},
    )


def _ask_to_remove_agent(access: Access, target: Any) -> Confirmation:
    parsed = parse_uuid(access.query.get("ai_agent_id", ""))
    person = with_user().filter(user=parsed, user__parent=access.user.user_id).first()
    if person is None:
        return Confirmation("Remove an agent")
    facts = (("Agent", people([person.user_id])[person.user_id]),)
    heading = f"Remove “{person.display_name}” from {access.here.name}?"
    return Confirmation(heading, facts, rules.REMOVED)


remove_ai_agent_from_collective = Action(
    name="remove_ai_agent_from_collective",
    sentence="Take one of your agents out of this collective.",
    label="Remove agent",
    scope="delete:all",
    proof=Proof.NONE,
    changes_access=True,
    params=AgentParams,
    policy=rules.is_member,
    effect=_remove_agent,
    event=audit.USER_ACTION,
    is_dangerous=True,
    confirm=_ask_to_remove_agent,
    people_only="Only people can remove agents.",
)
