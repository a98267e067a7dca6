"""Actions that create a collective and change its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from accounts import rules as people_rules
from accounts.security_words import ELSEWHERE, LogEntry
from accounts.timezones import checked_timezone, timezone_names
from collectives import queries
from collectives.models import Collective
from collectives.rules.creation import new_collective
from collectives.rules.handles import checked_handle
from collectives.rules.invites import expire_unbacked_invites
from collectives.rules.members import lock_members
from collectives.rules.policies import admins_can, is_collective_admin
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Check, Logged, Outcome, ResourceRef
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters.fields import Block, Flag, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget
from harmonic.kernel.refusals import ASK_YOUR_HUMAN, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

INVITATIONS = {"all_members": "Every member can invite", "only_admins": "Only admins can invite"}
REPRESENTATION = {
    "any_member": "Any member can represent it",
    "only_representatives": "Only representatives",
}
BOTH_SWITCHES = "Members' tokens work here only while this and the tenant's API switch are both on."


def resource(collective: Collective) -> ResourceRef:
    return ResourceRef("Collective", collective.handle, collective.get_absolute_url())


# --- Creation -------------------------------------------------------------------------------


class CollectiveParams(Params):
    name = Line(
        max_length=Collective.NAME_LENGTH,
        help_text="The name of the collective.",
        widget=Widget(help=""),
        example="Tool Library",
    )
    handle = Line(
        allow_blank=True,
        help_text="The handle in the collective's URL: lowercase letters, digits and dashes.",
        example="tool-library",
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Collective.DESCRIPTION_LENGTH,
        help_text="A short description of what the collective is for.",
        widget=Widget(rows=3, autocomplete=PROSE),
    )
    timezone = Line(
        required=False,
        allow_blank=True,
        help_text="The timezone, for example Europe/Berlin. Default: UTC.",
        widget=Widget(help="For example Europe/Berlin. Default: UTC.", suggestions=timezone_names),
    )
    tempo = Line(
        required=False,
        allow_blank=True,
        help_text="The length of a cycle: daily, weekly or monthly.",
        widget=Widget(
            kind="select",
            help="The length of a cycle.",
            initial="weekly",
            options=[(word, word.capitalize()) for word in Collective.TEMPOS],
        ),
    )
    synchronization_mode = Line(
        required=False,
        allow_blank=True,
        help_text="How members coordinate: improv or orchestra.",
        widget=Widget(
            kind="select",
            help="How members coordinate.",
            initial="improv",
            options=[(word, word.capitalize()) for word in Collective.MODES],
        ),
    )
    invitations = Line(
        required=False,
        allow_blank=True,
        help_text="Who may invite: all_members or only_admins.",
        widget=Widget(
            kind="select", help="", initial="only_admins", options=list(INVITATIONS.items())[::-1]
        ),
    )
    representation = Line(
        required=False,
        allow_blank=True,
        help_text="Who may represent the collective: any_member or only_representatives.",
        widget=Widget(
            kind="select",
            help="",
            initial="only_representatives",
            options=list(REPRESENTATION.items())[::-1],
        ),
    )
    file_uploads = Flag(
        required=False, help_text="Whether files may be attached.", widget=Widget(is_hidden=True)
    )
    api_enabled = Flag(
        required=False,
        label="Enable the API for members' tokens",
        help_text="Whether members' tokens work in this collective.",
        is_unlisted=True,
        widget=Widget(help=BOTH_SWITCHES),
    )


class Settings(TypedDict, total=False):
    """Parameters of a form or request that are settings of a collective."""

    name: str
    handle: str
    description: str | None
    timezone: str
    tempo: str
    synchronization_mode: str
    invitations: str
    representation: str
    file_uploads: bool
    api_enabled: bool
    feature_api: bool
    api: bool


def settings_from(params: Settings) -> dict[str, Any]:
    """Return the columns that parameters of both actions set. Unknown values are ignored.

    Raises:
        Invalid: the timezone is unknown.
    """
    settings: dict[str, Any] = {}
    if params.get("timezone"):
        settings["timezone"] = checked_timezone(params["timezone"])
    if params.get("tempo") in Collective.TEMPOS:
        settings["tempo"] = params["tempo"]
    if params.get("synchronization_mode") in Collective.MODES:
        settings["synchronization_mode"] = params["synchronization_mode"]
    if params.get("invitations"):
        settings["all_members_can_invite"] = params["invitations"] == "all_members"
    if params.get("representation"):
        settings["any_member_can_represent"] = params["representation"] == "any_member"
    return settings


def _check_handle(access: Access, target: object, sent: str) -> None:
    """Check the handle of a new collective, or the new handle of `target`."""
    if not isinstance(target, Collective) or sent not in {"", target.handle}:
        checked_handle(sent)


def _check_timezone(access: Access, target: object, sent: str) -> None:
    if sent:
        checked_timezone(sent)


CHECKS: Mapping[str, Check[object]] = {"handle": _check_handle, "timezone": _check_timezone}


def _create(access: Access, target: None, **params: Unpack[Settings]) -> Outcome:
    collective = new_collective(
        access,
        name=params["name"],
        handle=params["handle"],
        description=params.get("description") or "",
        is_api_enabled=params.get("api_enabled", False),
        **settings_from(params),
    )
    return Outcome(
        f"The collective {collective.name} was created.",
        collective.path,
        resource(collective),
        collective,
        facts={"collective_id": collective.id, "is_api_on": collective.is_api_enabled},
    )


def _collective_created(entry: LogEntry) -> str:
    switch = ", with the API enabled" if entry.data.get("is_api_on") else ""
    place = entry.place(ELSEWHERE)
    named = place if place == ELSEWHERE else f"the collective {place}"
    return f"Created {named}{switch}"


create_collective: Action[None] = Action(
    name="create_collective",
    sentence="Create a collective. You become its first member and its admin.",
    label="Create collective",
    scope=Scope("create:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="collective.created",
    params=CollectiveParams,
    policy=people_rules.is_human,
    effect=_create,
    checks=CHECKS,
    logged=Logged(audit.USER_ACTION, _collective_created),
    people_only="Only human accounts can create collectives",
    for_agents=lambda access: ASK_YOUR_HUMAN,
    audience="public",
)

# --- Settings -------------------------------------------------------------------------------


class SettingsParams(CollectiveParams):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=Collective.NAME_LENGTH,
        help_text="The name of the collective.",
        widget=Widget(is_required=True, help=""),
    )
    handle = None  # type: ignore[assignment]  # REST framework's way to drop a field
    api_enabled = Flag(
        required=False,
        help_text="Whether the API is enabled here. Ignored for tokens: only people can change it.",
        widget=Widget(is_hidden=True),
    )
    feature_api = Flag(
        required=False,
        label="Enable the API in this collective",
        help_text="Whether members' tokens work here. Tokens cannot change this setting.",
        is_unlisted=True,
        widget=Widget(help=BOTH_SWITCHES),
    )
    api = Flag(
        required=False,
        help_text="The same as feature_api.",
        is_unlisted=True,
        widget=Widget(is_hidden=True),
    )


def _from_page(access: Access, target: object, **params: Unpack[Settings]) -> Outcome:
    """Change the settings as a page does. A blank description from a token is ignored."""
    if access.token is not None and not params.get("description"):
        params.pop("description", None)
    return update_settings(access, target, **params)


def update_settings(access: Access, target: object, **params: Unpack[Settings]) -> Outcome:
    """Change the settings that are given and not blank, in the collective of the request.

    Only the description can be set to a blank.
    """
    # The settings include who may invite.
    collective = lock_members(access.required_place.id)
    changes: dict[str, Any] = {}
    if params.get("handle"):
        changes["handle"] = checked_handle(params["handle"])
    changes |= settings_from(params)
    if params.get("name"):
        changes["name"] = params["name"]
    if "description" in params:
        changes["description"] = params["description"] or ""
    switched, notes = people_rules.api_switch(
        access, params.get("feature_api"), params.get("api"), params.get("api_enabled")
    )
    # The API is always enabled in the main collective.
    changes |= {} if collective.is_main else switched
    changed = audit.changed({name: getattr(collective, name) for name in changes}, changes)
    for name, value in changes.items():
        setattr(collective, name, value)
    collective.updated_at = access.now
    collective.save(update_fields=[*changes, "updated_at"])
    if changes.get("all_members_can_invite") is False:
        expire_unbacked_invites(collective.id, access.now)
    return Outcome(
        "Settings saved.",
        path_to("collectives.settings", access.required_place.path),
        resource(collective),
        collective,
        notes=notes,
        facts={"changed": changed} if changed else None,
    )


def _current(access: Access, target: object) -> Mapping[str, Any]:
    if access.place is None:
        return {}
    collective = queries.current_collective(access)
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


def _settings_changed(entry: LogEntry) -> str:
    return f"The settings of {entry.where} were changed{entry.changes}"


update_collective_settings: Action[object] = Action(
    name="update_collective_settings",
    sentence=(
        "Change the settings of this collective. Omitted or blank parameters keep their current"
        " values."
    ),
    label="Save settings",
    scope=Scope("update:all"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=True,
    emits="collective.updated",
    params=SettingsParams,
    policy=is_collective_admin,
    effect=_from_page,
    checks=CHECKS,
    logged=Logged(audit.ADMIN_ACTION, _settings_changed),
    initial=_current,
    people_only="Only people can change settings.",
    for_agents=admins_can,
)
