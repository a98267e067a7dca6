"""The sentences about invalid parameters, in two wordings.

REST: `Validation failed: Text can't be blank`; Markdown and HTML: `text is required`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.serializers import Serializer

from harmonic.kernel.refusals import Problem

# code: (Markdown and HTML, after the parameter's name; REST, after its words)
SENTENCES: Mapping[str, tuple[str, str]] = {
    "blank": ("is required", "can't be blank"),
    "parameter_required": ("parameter is required", "parameter is required"),
    "too_long": (
        "is too long (maximum {limit} characters)",
        "is too long (maximum is {limit} characters)",
    ),
    "too_short": (
        "is too short (minimum {limit} characters)",
        "is too short (minimum is {limit} characters)",
    ),
    "too_many": ("has too many entries (maximum {limit})", "has too many entries"),
    "not_offered": ("must be one of: {offered}", "is not included in the list"),
    "not_text": ("must be text", "must be a string"),
    "not_a_number": ("must be a whole number", "is not a number"),
    "not_positive": ("must be greater than 0", "must be greater than 0"),
    "too_little": ("must be at least {limit}", "must be greater than or equal to {limit}"),
    "too_great": ("must be at most {limit}", "must be less than or equal to {limit}"),
    "not_boolean": ("must be true or false", "must be true or false"),
    "not_a_list": ("must be an array", "must be an array"),
    "not_objects": ("must be an array of objects", "must be an array of objects"),
    "not_an_object": ("must be an object", "must be an object"),
    "not_a_time": ("must be a valid time", "must be a valid time"),
    "no_time": (
        "is required and must be a valid time",
        "is required and must be a valid time",
    ),
    "in_the_past": ("must be in the future", "must be in the future"),
    "not_an_id": ("must be a UUID", "must be a UUID"),
    "unacceptable": (
        "contains characters that cannot be stored",
        "contains characters that cannot be stored",
    ),
    "taken": ("has already been taken", "has already been taken"),
    "reserved": ("is reserved", "is reserved"),
    "like_an_id": ("must not have the form of an id", "must not have the form of an id"),
    "malformed_handle": (
        "must be alphanumeric with dashes",
        "must be alphanumeric with dashes",
    ),
    "malformed_subdomain": (
        "must be lower-case letters, digits and dashes, at most 63, with no dash at either end",
        "must be lower-case letters, digits and dashes, at most 63, with no dash at either end",
    ),
    "malformed_email": ("must be an e-mail address", "must be an e-mail address"),
    "too_common": (
        "is one of the most common passwords",
        "is one of the most common passwords",
    ),
    "unknown_timezone": ("is not a known timezone", "is not a known timezone"),
}

# The codes of REST framework's fields and ours.
_CODES: Mapping[str, str] = {
    "required": "blank",
    "null": "blank",
    "empty": "blank",
    "max_length": "too_long",
    "max_string_length": "too_long",
    "invalid_choice": "not_offered",
    "not_a_list": "not_a_list",
    "not_a_dict": "not_an_object",
    "max_value": "too_great",
    "min_value": "too_little",
}


def humanize(param: str) -> str:
    """Return a parameter's name for people: `critical_mass` becomes `Critical mass`."""
    text = param.replace("_", " ")
    return text[:1].upper() + text[1:]


def enumerated(names: Iterable[str]) -> str:
    """Return names as a list in a sentence: `Alice, Bob and Carol`."""
    *before, last = list(names) or ["nobody"]
    return f"{', '.join(before)} and {last}" if before else last


def naming(sentence: str, handles: Iterable[str]) -> str:
    """Return a sentence with handles appended: `Ask an admin: @alice.`

    Without handles, a second sentence states that there is none.
    """
    named = [f"@{handle}" for handle in handles]
    if not named:
        return f"{sentence} There is none at the moment."
    return f"{sentence.rstrip('.')}: {enumerated(named)}."


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return a question that names the most similar of `words`, or ""."""
    nearest = get_close_matches(word[:80].lower(), list(words), n=1)
    return f"Did you mean “{nearest[0]}”?" if nearest else ""


def sentence(problem: Problem) -> str:
    """Return the Markdown and HTML sentence of one problem, which names the parameter."""
    return f"{problem.param} {reason(problem)}".strip()


def reason(problem: Problem) -> str:
    """Return the sentence without the parameter's name, for the field in a form."""
    known = SENTENCES.get(problem.code)
    return known[0].format(**problem.values) if known else problem.code


def rest_sentence(problem: Problem) -> str:
    known = SENTENCES.get(problem.code)
    words = known[1].format(**problem.values) if known else problem.code
    return f"{humanize(problem.param)} {words}".strip()


def joined(problems: Iterable[Problem]) -> str:
    return ", ".join(sentence(problem) for problem in problems)


def rest_joined(problems: Iterable[Problem]) -> str:
    return "Validation failed: " + ", ".join(rest_sentence(problem) for problem in problems)


def problems_of(error: ValidationError, serializer: Serializer[Any]) -> tuple[Problem, ...]:
    """Return the problems in a serializer's error, in the order of its fields."""
    detail = error.detail
    if not isinstance(detail, dict):
        return (Problem("body", "not_an_object"),)
    return tuple(_problem(param, _first(details), serializer) for param, details in detail.items())


def _first(details: object) -> ErrorDetail:
    """Return the first detail in the nested details of a list or object field."""
    while not isinstance(details, ErrorDetail):
        values = list(details.values()) if isinstance(details, dict) else details
        details = values[0]  # type: ignore[index]  # details nest as lists and dicts only
    return details


def _problem(param: str, detail: ErrorDetail, serializer: Serializer[Any]) -> Problem:
    field = serializer.fields.get(param)
    code = _CODES.get(detail.code or "", detail.code or "invalid")
    if code == "too_long":
        return Problem(param, code, {"limit": _limit(field)})
    if code == "too_great":
        return Problem(param, code, {"limit": getattr(field, "max_value", "")})
    if code == "too_little":
        least = getattr(field, "min_value", "")
        return Problem(param, "not_positive" if least == 1 else code, {"limit": least})
    if code == "not_offered":
        return Problem(param, code, {"offered": ", ".join(_offered(field))})
    return Problem(param, code)


def _limit(field: object) -> object:
    return getattr(field, "max_length", None) or getattr(
        getattr(field, "child", None), "max_length", ""
    )


def _offered(field: object) -> list[str]:
    choices = getattr(field, "choices", None) or getattr(
        getattr(field, "child", None), "choices", {}
    )
    return [str(choice) for choice in choices if choice != ""]
