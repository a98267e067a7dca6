"""The parameter with preferences: an object, or the ticked boxes of a form."""

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
    """Return the boxes of the form by type, one for each channel."""
    return [
        (NAMES[kind], [(box(kind, channel), CHANNELS[channel]) for channel in row])
        for kind, row in DEFAULTS.items()
    ]


def box(kind: str, channel: str) -> str:
    return f"{kind}:{channel}"


def boxes(choices: Choices) -> list[str]:
    """Return the boxes that are ticked for preferences."""
    return [
        box(kind, each) for kind, row in choices.items() for each, is_on in row.items() if is_on
    ]


class Preferences(StringList):
    """Preferences as `{type: {channel: boolean}}`; what is left out stays as it is.

    The form of the page sends the ticked boxes and an empty marker, and always means all of them.
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
            f"has {word[:60]}, which does not exist; types are {offered},"
            f" channels are {', '.join(CHANNELS)}",
        )
    )
