"""The action that changes the notification settings of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import TenantUser
from collectives.notifications.preferences import rules
from collectives.notifications.preferences.fields import Preferences, boxes, groups
from collectives.notifications.preferences.rules import Choices
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import NEVER
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.refusals import Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

PATH = "notifications.preferences"


class PreferenceParams(Params):
    notifications = Preferences(
        label="Notify me about",
        help_text=(
            'Types with their channels, for example `{"mention": {"email": false}}`.'
            " Types and channels that you leave out stay unchanged."
        ),
        example={"mention": {"email": False}},
        widget=Widget(groups=groups, help=""),
    )


def _update(access: Access, person: TenantUser, *, notifications: Choices) -> Outcome:
    changed = rules.choose(person.user_id, access.tenant.id, notifications)
    return Outcome(
        "Notification settings saved.",
        path_to(PATH, handle=person.handle),
        facts={"changed": changed} if changed else None,
    )


def _initial(access: Access, person: TenantUser | None) -> Mapping[str, Any]:
    return {"notifications": boxes(rules.choices_of(person.user_id))} if person else {}


update_notification_preferences: Action[TenantUser] = Action(
    name="update_notification_preferences",
    sentence="Choose which notifications you get in the app and by e-mail.",
    label="Save notification settings",
    scope=Scope("update:users"),
    grant=NEVER,
    proof=Proof.NONE,
    changes_access=False,
    emits="user.notifications_changed",
    params=PreferenceParams,
    policy=rules.may_choose,
    effect=_update,
    initial=_initial,
    people_only="Only people can change notification settings.",
    audience="private",
)
