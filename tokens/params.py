"""Parameters of the actions on API tokens, and their fields in forms."""

from __future__ import annotations

from harmonic.kernel.parameters.fields import Choice, Integer, Line, Params
from harmonic.kernel.parameters.widgets import Widget
from tokens.lifetimes import LONGEST, UNITS
from tokens.models import ApiToken

DEFAULT_DURATION = ApiToken.MAX_LIFETIME_MONTHS
DEFAULT_UNIT = "month(s)"
# The form suggests a shorter lifetime than the default of the action.
SUGGESTED_DURATION = 30
SUGGESTED_UNIT = "day(s)"
SHOWN_UNITS = (
    ("hour(s)", "hours"),
    ("day(s)", "days"),
    ("week(s)", "weeks"),
    ("month(s)", "months"),
)
UNIT_ALIASES = {alias: f"{unit}(s)" for unit in UNITS for alias in (unit, f"{unit}s", f"{unit}(s)")}


def note_field() -> Line:
    """Return the parameter of a token's note; each serializer orders its own."""
    return Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NOTE_LENGTH,
        help_text="Where the token is stored.",
        widget=Widget(placeholder="GitHub secret of the deploy job", autocomplete=""),
    )


class TokenParams(Params):
    name = Line(
        required=False,
        allow_blank=True,
        max_length=ApiToken.NAME_LENGTH,
        help_text="What the token is for.",
        widget=Widget(is_required=True, placeholder="deploy script", autocomplete=""),
    )
    # The form of an account offers its agents as owners, too.
    owner = Line(required=False, allow_blank=True, is_unlisted=True, widget=Widget(is_hidden=True))
    read_write = Choice(
        [("read", "Read only"), ("write", "Read and write")],
        aliases={
            "true": "write",
            "read_write": "write",
            "false": "read",
            "1": "write",
            "0": "read",
        },
        required=False,
        label="Access",
        help_text="read (read only) or write (read and write). Default: read.",
        widget=Widget(
            kind="radios",
            initial="read",
            help="",
            options=[
                ("read", "Read only", "Can read pages, notes and lists. Cannot change anything."),
                (
                    "write",
                    "Read + write",
                    "Can also create, change and delete whatever its owner can.",
                ),
            ],
        ),
    )
    duration = Integer(
        required=False,
        min_value=1,
        label=f"Expires after ({LONGEST} maximum)",
        help_text=(
            "Number of units until the token expires."
            f" Default: {DEFAULT_DURATION}; maximum: {LONGEST}."
        ),
        widget=Widget(initial=SUGGESTED_DURATION, help="", is_half=True),
    )
    duration_unit = Choice(
        [(f"{unit}(s)", f"{unit}s") for unit in UNITS],
        aliases=UNIT_ALIASES,
        required=False,
        label="Unit",
        help_text=f"hour(s), day(s), week(s) or month(s). Default: {DEFAULT_UNIT}.",
        widget=Widget(
            initial=SUGGESTED_UNIT,
            options=SHOWN_UNITS,
            help="",
            is_half=True,
            below="tokens/_lifetime.html",
        ),
    )
    note = note_field()


class TokenNameParams(Params):
    name = Line(
        max_length=ApiToken.NAME_LENGTH,
        help_text="What the token is for.",
        widget=Widget(autocomplete=""),
    )
    note = note_field()


class RotateParams(Params):
    overlap_days = Integer(
        required=False,
        min_value=0,
        max_value=ApiToken.MAX_OVERLAP_DAYS,
        label="Overlap in days",
        help_text=(
            "How many days the old token keeps working, from 0 to"
            f" {ApiToken.MAX_OVERLAP_DAYS}. 0 deletes it immediately."
            f" Default: {ApiToken.USUAL_OVERLAP_DAYS}."
        ),
        widget=Widget(initial=ApiToken.USUAL_OVERLAP_DAYS),
    )


class RotateAtCapParams(Params):
    overlap_days = Integer(
        required=False,
        min_value=0,
        max_value=0,
        label="Overlap in days",
        help_text=(
            f"Must be 0: the owner has {ApiToken.MAX_ACTIVE} active tokens, the maximum, so the"
            " old token is deleted immediately and makes room for the new one."
        ),
        widget=Widget(initial=0, is_readonly=True),
    )
