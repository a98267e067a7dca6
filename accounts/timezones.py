"""Timezones by their IANA names: the list that forms offer, and the check of a name."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from harmonic.kernel.refusals import Invalid

# The regions of the tz database; its other names are abbreviations and fixed offsets.
REGIONS = frozenset(
    "Africa America Antarctica Arctic Asia Atlantic Australia Europe Indian Pacific".split()
)
# Long names that public clients send, where they are not the name of a zone's city.
LONG_NAMES = {
    "International Date Line West": "Pacific/Midway",
    "Midway Island": "Pacific/Midway",
    "American Samoa": "Pacific/Pago_Pago",
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "Arizona": "America/Phoenix",
    "Saskatchewan": "America/Regina",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Guadalajara": "America/Mexico_City",
    "Central America": "America/Guatemala",
    "Quito": "America/Lima",
    "Brasilia": "America/Sao_Paulo",
    "Georgetown": "America/Guyana",
    "Greenland": "America/Godthab",
    "Mid-Atlantic": "Atlantic/South_Georgia",
    "Cape Verde Is.": "Atlantic/Cape_Verde",
    "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich",
    "Kyiv": "Europe/Kiev",
    "St. Petersburg": "Europe/Moscow",
    "West Central Africa": "Africa/Algiers",
    "Pretoria": "Africa/Johannesburg",
    "Abu Dhabi": "Asia/Muscat",
    "Ekaterinburg": "Asia/Yekaterinburg",
    "Islamabad": "Asia/Karachi",
    "Chennai": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata",
    "New Delhi": "Asia/Kolkata",
    "Astana": "Asia/Dhaka",
    "Sri Jayawardenepura": "Asia/Colombo",
    "Hanoi": "Asia/Bangkok",
    "Beijing": "Asia/Shanghai",
    "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo",
    "Canberra": "Australia/Melbourne",
    "Solomon Is.": "Pacific/Guadalcanal",
    "New Caledonia": "Pacific/Noumea",
    "Marshall Is.": "Pacific/Majuro",
    "Wellington": "Pacific/Auckland",
    "Nuku'alofa": "Pacific/Tongatapu",
    "Tokelau Is.": "Pacific/Fakaofo",
    "Chatham Is.": "Pacific/Chatham",
    "Samoa": "Pacific/Apia",
}


@cache
def timezone_names() -> tuple[str, ...]:
    """Return UTC and the names of all regional zones, in alphabetical order."""
    regional = (name for name in available_timezones() if name.partition("/")[0] in REGIONS)
    return ("UTC", *sorted(regional))


def checked_timezone(sent: str) -> str:
    """Return the IANA name of a zone.

    The name may be written in any case and with spaces. The name of the zone's city and the long
    names of other systems are accepted too: `Vienna`, `Eastern Time (US & Canada)`.

    Raises:
        Invalid: the timezone does not exist.
    """
    name = LONG_NAMES.get(sent, sent)
    if name in available_timezones():
        return name
    found = _names_by_key().get(_key(name)) or _names_by_city().get(_key(name))
    if found is None:
        raise Invalid.of("timezone", "unknown_timezone")
    return found


@cache
def _names_by_key() -> dict[str, str]:
    return {_key(name): name for name in timezone_names()}


@cache
def _names_by_city() -> dict[str, str]:
    """Return the names of zones by their cities, the shortest name of each city."""
    by_length = sorted(timezone_names(), key=len, reverse=True)
    return {_key(name.rpartition("/")[2]): name for name in by_length}


def _key(name: str) -> str:
    return "_".join(name.split()).casefold()
