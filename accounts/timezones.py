"""Timezones by their IANA names: the list that forms offer, and the check of a name."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from harmonic.kernel.refusals import Invalid

# The regions of the tz database; its other names are abbreviations and fixed offsets.
REGIONS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()
)
# Names that public clients send for a few zones.
ALIASES = {
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
}


@cache
def timezone_names() -> tuple[str, ...]:
    """Return UTC and the names of all regional zones, in alphabetical order."""
    regional = (name for name in available_timezones() if name.partition("/")[0] in REGIONS)
    return ("UTC", *sorted(regional))


def checked_timezone(sent: str) -> str:
    """Return the IANA name of a zone, which may be written in any case and with spaces.

    Raises:
        Invalid: there is no such zone.
    """
    name = ALIASES.get(sent, sent)
    if name in available_timezones():
        return name
    found = _names_by_key().get(_key(name))
    if found is None:
        raise Invalid.of("timezone", "unknown_timezone")
    return found


@cache
def _names_by_key() -> dict[str, str]:
    return {_key(name): name for name in timezone_names()}


def _key(name: str) -> str:
    return "_".join(name.split()).casefold()
