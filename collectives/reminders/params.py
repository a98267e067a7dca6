"""Parameters of reminders."""

from __future__ import annotations

from typing import Any, NoReturn

from rest_framework.exceptions import ValidationError

from accounts.timezones import timezone_names
from collectives.items.deadlines import FlexibleTime, TypedTime
from collectives.notes.models import Note
from harmonic.kernel.parameters.fields import Block, Line, Params
from harmonic.kernel.parameters.widgets import PROSE, Widget

TIMES = "ISO 8601, Unix seconds, 3d or 90m from now, or 2026-06-01T17:00 in `timezone`."


class ScheduledTime(FlexibleTime):
    """The time of a new reminder. By contract, missing and invalid times get the same error."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        raise ValidationError("", "no_time")

    def to_internal_value(self, data: Any) -> TypedTime:
        try:
            return super().to_internal_value(data)
        except ValidationError:
            self.fail("not_a_time")


def timezone_field() -> Line:
    return Line(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="The timezone of a local time. Default: the collective's timezone.",
        widget=Widget(help="Default: the collective's timezone.", suggestions=timezone_names),
    )


class ReminderParams(Params):
    text = Block(
        max_length=Note.TEXT_LENGTH,
        help_text="The text, in Markdown. Members that it mentions are reminded too.",
        widget=Widget(
            rows=6,
            help="You can use Markdown. Members that you mention with @handle are reminded too.",
            autocomplete=PROSE,
        ),
        example="Water the seedlings.",
    )
    scheduled_for = ScheduledTime(
        label="When",
        help_text=f"The time of the reminder: {TIMES}",
        widget=Widget(kind="datetime", help=""),
        example="3d",
    )
    title = Line(
        required=False,
        allow_blank=True,
        max_length=Note.TITLE_LENGTH,
        help_text="The title. If left out, the first line of the text is shown.",
        widget=Widget(
            help="If left blank, the first line of the text is shown.", autocomplete=PROSE
        ),
    )
    timezone = timezone_field()
