"""Parameters of new commitments and of their settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.timezones import timezone_names
from collectives.commitments.models import Commitment
from collectives.items.deadlines import AT, CRITICAL_MASS, NONE, NOW, FlexibleTime
from harmonic.kernel.parameters.fields import Block, Choice, Flag, Integer, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget

EVENT = Commitment.Subtype.CALENDAR_EVENT.value
KEEP = ""
# The option of a form field that applies to any time, in the CSS of forms.
TIMES = "times"
_SUBTYPES = (
    ("action", "Action", "Something that members do together. They join it."),
    ("calendar_event", "Calendar event", "A meeting or other event. Members RSVP."),
    ("policy", "Policy", "Something that members agree to. They sign it."),
)
_CLOSES = (
    (NONE, "No deadline", "You close it yourself. A calendar event closes when it starts."),
    (CRITICAL_MASS, "At critical mass", "It closes as soon as enough members have joined."),
    (AT, "At a date and time", "Members can join until then."),
)


def time_field(help_text: str, shown_for: str = "") -> FlexibleTime:
    """Return a time field that a form shows only while the option `shown_for` is selected."""
    widget = Widget(kind="datetime", help="", is_half=True, shown_for=shown_for)
    return FlexibleTime(required=False, help_text=help_text, widget=widget)


def location_field(shown_for: str = "") -> Line:
    return Line(
        required=False,
        allow_blank=True,
        max_length=Commitment.LOCATION_LENGTH,
        help_text="The location of a calendar event.",
        widget=Widget(help="", autocomplete=PROSE, shown_for=shown_for),
    )


def zone_field(shown_for: str = "") -> Line:
    widget = Widget(
        help="For the times above. If left blank, the collective's timezone.",
        suggestions=timezone_names,
        shown_for=shown_for,
    )
    return Line(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="The timezone of local times. Default: the collective's timezone.",
        widget=widget,
    )


def option_field(closes: Any, **widget: Any) -> Choice:
    """Return the form's field that selects when a commitment closes."""
    return Choice(
        [NONE, CRITICAL_MASS, AT, NOW],
        required=False,
        is_unlisted=True,
        label="Closes",
        help_text="no_deadline, close_at_critical_mass, datetime (requires `deadline`), close_now.",
        widget=Widget(kind="radios", help="", options=closes, **widget),
    )


class DeadlineParams(Params):
    deadline = time_field(
        "When it closes: ISO 8601, 3d or 90m from now, or 2026-06-01T17:00 in `timezone`."
        " If left out, a calendar event closes when it starts, and others when you close them.",
        shown_for=AT,
    )


class EventParams(Params):
    """The times and the location of a new calendar event."""

    starts_at = time_field("The start. Required for calendar events.", shown_for=EVENT)
    ends_at = time_field("The end. Required for calendar events.", shown_for=EVENT)
    location = location_field(shown_for=EVENT)


class ZoneParams(Params):
    timezone = zone_field(shown_for=TIMES)


class TextParams(Params):
    title = Line(
        max_length=Commitment.TITLE_LENGTH,
        help_text="What members commit to, as one line.",
        widget=Widget(help="", autocomplete=PROSE),
        example="Deep clean on Saturday",
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Commitment.DESCRIPTION_LENGTH,
        help_text="The details, in Markdown.",
        widget=Widget(rows=6, help="You can use Markdown.", autocomplete=PROSE),
    )
    critical_mass = Integer(
        min_value=1,
        max_value=Commitment.MAX_CRITICAL_MASS,
        help_text="How many members must join; more can. In a private workspace it is always 1.",
        widget=Widget(help="The number of members who must join. More can join."),
        example=3,
    )
    subtype = Choice(
        Commitment.Subtype.choices,
        required=False,
        label="Kind",
        help_text="action (default), calendar_event or policy.",
        widget=Widget(kind="radios", help="", initial="action", options=_SUBTYPES),
    )
    close_at_critical_mass = Flag(
        required=False,
        help_text="If true, it closes when it reaches critical mass.",
        widget=Widget(is_hidden=True),
    )
    # Only forms send this; programs send the parameters around it.
    deadline_option = option_field(_CLOSES, initial=NONE)


class CreateParams(TextParams, DeadlineParams, EventParams, ZoneParams):
    """The parameters of a new commitment, in the order of its form."""


# --- Settings -------------------------------------------------------------------------------


class ChangedTextParams(Params):
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Commitment.TITLE_LENGTH,
        help_text="The new title. If blank, the current title is kept.",
        widget=Widget(help="", autocomplete=PROSE),
    )
    description = Block(
        required=False,
        allow_blank=True,
        max_length=Commitment.DESCRIPTION_LENGTH,
        help_text="The new description, in Markdown. If blank, the current one is kept.",
        widget=Widget(rows=6, help="Leave blank to keep the current one.", autocomplete=PROSE),
    )


class MassParams(Params):
    critical_mass = Integer(
        required=False,
        min_value=1,
        max_value=Commitment.MAX_CRITICAL_MASS,
        help_text="The new critical mass. It cannot be lowered once a member has joined.",
        widget=Widget(help="It cannot be lowered once a member has joined."),
    )
    deadline_option = option_field(((KEEP, "No change"), *_CLOSES), initial=KEEP)


class ChangedEventParams(Params):
    starts_at = time_field("The new start of a calendar event.")
    ends_at = time_field("The new end of a calendar event.")
    location = location_field()
    timezone = zone_field()


class UpdateParams(ChangedTextParams, MassParams, DeadlineParams, ChangedEventParams):
    """The settings of a commitment, in form order. Blank values keep the current ones."""


class OpenParams(ChangedTextParams, MassParams, DeadlineParams, ZoneParams):
    """The settings of an open commitment that is not a calendar event."""


class ClosedEventParams(ChangedTextParams, ChangedEventParams):
    """The settings of a closed calendar event."""


def settings_of(commitment: Commitment, now: datetime) -> type[Params]:
    """Return the settings that apply to a commitment."""
    if commitment.is_closed(now):
        return ClosedEventParams if commitment.is_event else ChangedTextParams
    return UpdateParams if commitment.is_event else OpenParams
