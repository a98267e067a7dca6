"""What can be done with collectives: making, joining, leaving, running them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts import rules as people_rules
from accounts.models import TenantUser
from accounts.queries import people, person_named, with_user
from collectives import queries, rules
from collectives.models import Collective, CollectiveMember, Invite
from harmonic.kernel.access import (
    Access,
    CollectiveKind,
    Denied,
    Forbidden,
    NotFound,
    Refused,
)
from harmonic.kernel.actions import Action, Confirmation, Outcome, Resource
from harmonic.kernel.fields import Block, Choice, Flag, Id, Line, Params
from harmonic.kernel.tenancy import parse_uuid

INVITATIONS = {"all_members": "Every member can invite", "only_admins": "Only admins can invite"}
REPRESENTATION = {
    "any_member": "Any member can represent it",
    "only_representatives": "Only representatives can",
}


def resource(collective: Collective) -> Resource:
    return Resource("Collective", collective.handle, collective.get_absolute_url())


# --- Making one -----------------------------------------------------------------------------


class CollectiveParams(Params):
    name = Line(
        max_length=Collective.NAME_LENGTH,
        help_text="What the collective is called.",
        style={"help": ""},
    )
    handle = Line(
        allow_blank=True,
        help_text="Its place in the address: lower-case letters, digits and dashes.",
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Collective.DESCRIPTION_LENGTH,
        help_text="What it is for, in a few words.",
        style={"rows": 3},
    )
    timezone = Line(
        required=False,
        allow_blank=True,
        help_text="The name of its timezone, such as Europe/Berlin. UTC unless given.",
        style={"help": "Such as Europe/Berlin. UTC unless given."},
    )
    tempo = Line(
        required=False,
        allow_blank=True,
        help_text="How long its cycles are: daily, weekly or monthly.",
        style={
            "kind": "select",
            "help": "How long its cycles are.",
            "initial": "weekly",
            "options": [("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")],
        },
    )
    synchronization_mode = Line(
        required=False,
        allow_blank=True,
        help_text="How it keeps in step: improv or orchestra.",
        style={
            "kind": "select",
            "help": "How it keeps in step.",
            "initial": "improv",
            "options": [("improv", "Improv"), ("orchestra", "Orchestra")],
        },
    )
    invitations = Line(
        required=False,
        allow_blank=True,
        help_text="Who may invite: all_members or only_admins.",
        style={
            "kind": "select",
            "help": "",
            "initial": "only_admins",
            "options": list(INVITATIONS.items())[::-1],
        },
    )
    representation = Line(
        required=False,
        allow_blank=True,
        help_text="Who may represent it: any_member or only_representatives.",
        style={
            "kind": "select",
            "help": "",
            "initial": "only_representatives",
            "options": list(REPRESENTATION.items())[::-1],
        },
    )
    file_uploads = Flag(
        required=False, help_text="Whether files may be attached.", style={"hidden": True}
    )
    api_enabled = Flag(
        required=False,
        label="Let API clients of members in",
        help_text="Whether tokens of members get in.",
        style={
            "help": "Tokens of members get in only while this is on, and the tenant's too.",
            "unlisted": True,
        },
    )


def settings_from(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that the shared parameters set; unknown words change nothing.

    Raises:
        Invalid: an unknown timezone.
    """
    settings: dict[str, Any] = {}
    if params.get("timezone"):
        settings["timezone"] = people_rules.checked_timezone(params["timezone"])
    if params.get("tempo") in Collective.TEMPOS:
        settings["tempo"] = params["tempo"]
    if params.get("synchronization_mode") in Collective.MODES:
        settings["synchronization_mode"] = params["synchronization_mode"]
    if params.get("invitations"):
        settings["all_members_can_invite"] = params["invitations"] == "all_members"
    if params.get("representation"):
        settings["any_member_can_represent"] = params["representation"] == "any_member"
    return settings


def _create(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    collective = rules.new_collective(
        access,
        name=params["name"],
        handle=params["handle"],
        description=params.get("description", ""),
        is_api_enabled=params.get("api_enabled", False),
        **settings_from(params),
    )
    return Outcome(
        f"The collective {collective.name} is created.",
        collective.path,
        resource(collective),
        collective,
    )


create_collective = Action(
    name="create_collective",
    sentence="Make a collective. You become its first member and admin.",
    label="Create collective",
    scope="create:collectives",
    params=CollectiveParams,
    policy=people_rules.is_human,
    effect=_create,
    people_only="Only human accounts can create collectives",
    audience="public",
)

# --- Joining and leaving --------------------------------------------------------------------


class JoinParams(Params):
    code = Line(
        required=False,
        allow_blank=True,
        help_text="The code of an invitation to this collective.",
        style={"required": True, "help": ""},
    )


def may_join(access: Access, target: Any) -> Denied | None:
    if access.place is not None and access.here.kind != CollectiveKind.STANDARD:
        return Denied("Cannot join a private workspace")
    return None


def _join(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    if access.is_member:
        raise Refused("User is already a member of this collective", status=400, code="duplicate")
    invite = queries.usable_invite(access, params.get("code", ""))
    if invite is None:
        raise NotFound(
            "Valid invite required to join this collective",
            hint="The code is not valid or has expired. Ask a member for a new one.",
        )
    collective = queries.here(access)
    person = TenantUser.objects.get(id=access.user.person_id)
    rules.add_member(collective, person, now=access.now)
    if invite.invited_user_id is not None:
        invite.delete()
    return Outcome(
        f"You have joined {collective.name}.", collective.path, resource(collective), collective
    )


join_collective = Action(
    name="join_collective",
    sentence="Join this collective with an invitation.",
    label="Join",
    scope="create:collectives",
    params=JoinParams,
    policy=may_join,
    is_offered=lambda access, target: not access.is_member,
    effect=_join,
    people_only="Only people can join collectives.",
    audience="shared",
)


def _leave(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    row = CollectiveMember.objects.active().get(
        collective=access.here.id, person=access.user.person_id
    )
    rules.remove_member(row, access.now)
    return Outcome(f"You have left {access.here.name}.", "/collectives")


leave_collective = Action(
    name="leave_collective",
    sentence="Leave this collective. You need a new invitation to come back.",
    label="Leave collective",
    scope="delete:collectives",
    policy=rules.may_leave,
    effect=_leave,
    is_dangerous=True,
    confirm=lambda access, target: Confirmation(f"Leave “{access.here.name}”?"),
    people_only="Only people can leave collectives.",
)


def _invite(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    found = queries.shareable_invite(access.here.id, access.now)
    if found is None or found.expires_at - access.now <= Invite.REUSED_ABOVE:
        found = rules.new_invite(access)
    path = f"{access.here.path}/join?code={found.code}"
    return Outcome(f"The invitation: {path}", f"{access.here.path}/invite", object=found)


create_invite = Action(
    name="create_invite",
    sentence="Get an invitation link that lets people of this tenant join for a week.",
    label="Get an invitation link",
    scope="create:collectives",
    policy=rules.may_invite,
    effect=_invite,
    people_only="Only people can invite.",
)

# --- Members --------------------------------------------------------------------------------


class RoleParams(Params):
    user_handle = Line(
        label="Handle", help_text="The member's handle.", style={"chosen_before": True}
    )
    role = Choice(
        [("admin", "Admin"), ("representative", "Representative")],
        help_text="The role.",
        style={
            "kind": "radios",
            "initial": "admin",
            "help": "",
            "options": [
                ("admin", "Admin", "Changes settings, roles and members."),
                ("representative", "Representative", "Speaks for the collective."),
            ],
        },
    )
    grant = Flag(
        label="Give or take",
        help_text="true to give the role, false to take it.",
        style={
            "kind": "radios",
            "initial": "true",
            "help": "",
            "options": [("true", "Give it"), ("false", "Take it")],
        },
    )


class MemberParams(Params):
    user_handle = Line(
        label="Handle", help_text="The member's handle.", style={"chosen_before": True}
    )


def _chosen_member(access: Access) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """Return the name and the facts of the member whom a form was opened for, if any."""
    person = person_named(access.query.get("user_handle", ""), access)
    row = queries.membership_of(access.here.id, person) if person else None
    if person is None or row is None or row.archived_at is not None:
        return "", ()
    roles = ", ".join(row.roles) or "None"
    facts = (("Member", people([person.user_id])[person.user_id]), ("Roles", roles))
    return person.display_name, (*facts, ("Joined", row.created_at))


def _ask_about_roles(access: Access, target: Any) -> Confirmation:
    name, facts = _chosen_member(access)
    return Confirmation(f"Roles of {name}" if name else "Change a role", facts)


def _ask_to_remove(access: Access, target: Any) -> Confirmation:
    name, facts = _chosen_member(access)
    heading = f"Remove “{name}” from {access.here.name}?" if name else "Remove a member"
    return Confirmation(heading, facts)


def member_named(access: Access, handle: str) -> CollectiveMember:
    """Return an active member by handle.

    Raises:
        NotFound: nobody of that name is a member here.
    """
    person = person_named(handle, access)
    row = queries.membership_of(access.here.id, person) if person else None
    if row is None or row.archived_at is not None:
        raise NotFound("Member not found")
    return row


def runs_members(access: Access, target: Any) -> Denied | None:
    if access.place is not None and access.here.is_main:
        return Denied("Roles of the main collective are those of the tenant.")
    return rules.is_collective_admin(access, target)


def _update_roles(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    row = member_named(access, params["user_handle"])
    role, grant = params["role"], params["grant"]
    if role == "admin" and not grant:
        collective = queries.here(access)
        if collective.created_by_id == row.person.user_id:
            raise Forbidden("Who made the collective stays its admin.")
        rules.refuse_last_admin(row, "The last admin cannot lose the role.")
    setattr(row, f"is_{role}", grant)
    row.save(update_fields=[f"is_{role}"])
    done = "is now" if grant else "is no longer"
    return Outcome(f"{row.person.display_name} {done} {role}.", f"{access.here.path}/members")


update_member_roles = Action(
    name="update_member_roles",
    sentence="Give a member a role, or take it.",
    label="Change role",
    scope="update:collectives",
    params=RoleParams,
    policy=runs_members,
    effect=_update_roles,
    confirm=_ask_about_roles,
    people_only="Only people can change roles.",
)


def may_remove_members(access: Access, target: Any) -> Denied | None:
    """Admins; and a parent, its own agents. Which member it is, the effect looks at."""
    if access.place is not None and (access.here.is_main or access.here.is_workspace):
        return Denied("Nobody is removed from this collective.")
    return rules.is_member(access, target)


def _remove(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    row = member_named(access, params["user_handle"])
    person = with_user().get(id=row.person_id)
    is_own_agent = people_rules.is_parent_of(access, person)
    if not (access.is_collective_admin or is_own_agent):
        raise Forbidden("Unauthorized: must be admin")
    if row.person_id == access.user.person_id:
        raise Forbidden("You cannot remove yourself; leave the collective instead.")
    if queries.here(access).created_by_id == person.user_id:
        raise Forbidden("Who made the collective cannot be removed.")
    rules.remove_member(row, access.now)
    return Outcome(f"{person.display_name} was removed.", f"{access.here.path}/members")


remove_member = Action(
    name="remove_member",
    sentence="Take a member out of this collective.",
    label="Remove",
    scope="delete:collectives",
    params=MemberParams,
    policy=may_remove_members,
    is_offered=lambda access, target: access.is_collective_admin,
    effect=_remove,
    is_dangerous=True,
    confirm=_ask_to_remove,
    people_only="Only people can remove members.",
)

# --- Agents in a collective -----------------------------------------------------------------


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
        raise Forbidden("You can only add your own AI agents.")
    return person


def may_add_agents(access: Access, target: Any) -> Denied | None:
    if access.place is not None and access.here.is_workspace:
        return Denied("Cannot add other users to a private workspace")
    return rules.may_invite(access, target)


def _add_agent(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    agent = own_agent(access, params["ai_agent_id"])
    if agent.archived_at is not None:
        raise Forbidden("This agent is inactive.")
    rules.add_member(queries.here(access), agent, now=access.now)
    return Outcome(
        f"{agent.display_name} was added to {access.here.name}.",
        f"{access.here.path}/members",
        object=agent,
    )


add_ai_agent_to_collective = Action(
    name="add_ai_agent_to_collective",
    sentence="Bring one of your agents into this collective.",
    label="Add agent",
    scope="create:collectives",
    params=AgentParams,
    policy=may_add_agents,
    effect=_add_agent,
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
    )


def _ask_to_remove_agent(access: Access, target: Any) -> Confirmation:
    parsed = parse_uuid(access.query.get("ai_agent_id", ""))
    person = with_user().filter(user=parsed, user__parent=access.user.user_id).first()
    if person is None:
        return Confirmation("Remove an agent")
    return Confirmation(f"Remove “{person.display_name}” from {access.here.name}?")


remove_ai_agent_from_collective = Action(
    name="remove_ai_agent_from_collective",
    sentence="Take one of your agents out of this collective.",
    label="Remove agent",
    scope="delete:collectives",
    params=AgentParams,
    policy=rules.is_member,
    effect=_remove_agent,
    is_dangerous=True,
    confirm=_ask_to_remove_agent,
    people_only="Only people can remove agents.",
)

# --- Settings -------------------------------------------------------------------------------


class SettingsParams(CollectiveParams):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=Collective.NAME_LENGTH,
        help_text="What the collective is called.",
        style={"required": True, "help": ""},
    )
    handle = None  # type: ignore[assignment]  # REST framework's way to drop a field
    api_enabled = Flag(
        required=False,
        help_text="Whether the API is on here. Ignored for tokens: people change it in a browser.",
        style={"hidden": True},
    )
    feature_api = Flag(
        required=False,
        label="API on in this collective",
        help_text="Whether API clients of members get in. Tokens cannot change it.",
        style={
            "help": "Tokens of members get in only while this is on, and the tenant's too.",
            "unlisted": True,
        },
    )
    api = Flag(
        required=False,
        help_text="The same as feature_api.",
        style={"hidden": True, "unlisted": True},
    )


def _update_settings(access: Access, target: Any, params: dict[str, Any]) -> Outcome:
    collective = queries.here(access)
    changes = settings_from(params)
    if params.get("name"):
        changes["name"] = params["name"]
    if "description" in params and (params["description"] or access.token is None):
        changes["description"] = params["description"]
    switched, notes = people_rules.api_switch(
        access, params, is_on=collective.is_api_enabled, collective_id=collective.id
    )
    # The main collective's counts as on, always.
    changes |= {} if collective.is_main else switched
    for name, value in changes.items():
        setattr(collective, name, value)
    collective.updated_at = access.now
    collective.save(update_fields=[*changes, "updated_at"])
    return Outcome(
        "The settings are saved.",
        f"{access.here.path}/settings",
        resource(collective),
        collective,
        notes=notes,
    )


def _current(access: Access, target: Any) -> Mapping[str, Any]:
    if access.place is None:
        return {}
    collective = queries.here(access)
    return {
        "name": collective.name,
        "description": collective.description,
        "timezone": collective.timezone,
        "tempo": collective.tempo,
        "synchronization_mode": collective.synchronization_mode,
        "invitations": "all_members" if collective.all_members_can_invite else "only_admins",
        "representation": (
            "any_member" if collective.any_member_can_represent else "only_representatives"
        ),
        "feature_api": collective.is_api_enabled,
    }


update_collective_settings = Action(
    name="update_collective_settings",
    sentence="Change the settings of this collective. What is absent or blank stays as it is.",
    label="Save settings",
    scope="update:collectives",
    params=SettingsParams,
    policy=rules.is_collective_admin,
    effect=_update_settings,
    initial=_current,
    people_only="Only people can change settings.",
)
