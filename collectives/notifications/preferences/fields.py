"""The parameter for preferences: an object, or the selected checkboxes of a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from collectives.notifications.models import Channel, NotificationType
from collectives.notifications.preferences.rules import DEFAULTS, Choices
from harmonic.kernel.parameters.fields import Flag, StringList
from harmonic.kernel.parameters.widgets import Choices as Options
from harmonic.kernel.refusals import Invalid, Problem

NAMES: Mapping[NotificationType, str] = {
    NotificationType.MENTION: "Mentions of you",
    NotificationType.COMMENT: "Replies to you",
    NotificationType.PARTICIPATION: "Decisions and commitments that you take part in",
    NotificationType.REMINDER: "Reminders",
    NotificationType.SYSTEM: "Your API tokens and those of your agents",
}
CHANNELS: Mapping[Channel, str] = {Channel.IN_APP: "In the app", Channel.EMAIL: "By e-mail"}


def groups() -> Sequence[tuple[str, Options]]:
    """Return the checkboxes of the form by type, one per channel."""
    return [
        (NAMES[kind], [(box(kind, channel), CHANNELS[channel]) for channel in row])
        for kind, row in DEFAULTS.items()
    ]


def box(kind: str, channel: str) -> str:
    return f"{kind}:{channel}"


def boxes(choices: Choices) -> list[str]:
    """Return the checkboxes that are selected for preferences."""
    return [
        box(kind, each) for kind, row in choices.items() for each, is_on in row.items() if is_on
    ]


class Preferences(StringList):
    """Preferences as `{type: {channel: boolean}}`. Types and channels left out stay unchanged.

    The form sends the selected checkboxes and an empty marker, and always sets all preferences.
    """

    wire_type: ClassVar[str] = "object"
    value_type: ClassVar[object] = Choices

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            return {str(kind): _row(str(kind), row) for kind, row in data.items()}
        ticked = super().to_internal_value(data)
        known = {box(kind, each) for kind, row in DEFAULTS.items() for each in row}
        if unknown := [each for each in ticked if each not in known]:
            raise _not_offered(unknown[0])
        return {
            str(kind): {str(each): box(kind, each) in ticked for each in row}
            for kind, row in DEFAULTS.items()
        }


def _row(kind: str, sent: Any) -> dict[str, bool]:
    if kind not in NAMES:
        raise _not_offered(kind)
    if not isinstance(sent, Mapping):
        raise Invalid(Problem("notifications", f"must have an object for {kind}"))
    channels = set(CHANNELS)
    if unknown := [str(each) for each in sent if each not in channels]:
        raise _not_offered(f"{kind}:{unknown[0]}")
    return {str(each): _flag(each, on) for each, on in sent.items()}


def _flag(channel: str, sent: Any) -> bool:
    try:
        return bool(Flag().to_internal_value(sent))
    except Exception:
        raise Invalid(Problem(channel, "not_boolean")) from None


def _not_offered(word: str) -> Invalid:
    offered = ", ".join(NAMES)
    return Invalid(
        Problem(
            "notifications",
            f"has an unknown type or channel: {word[:60]}. Types are {offered};"
            f" channels are {', '.join(CHANNELS)}",
        )
    )
