"""Parameters of decisions that are lists: options, titles, votes, selections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from collectives.decisions.audit.chain import nfc
from collectives.decisions.models import Option
from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.fields import FALSE, TRUE, Block, Line, Parameter
from harmonic.kernel.refusals import Invalid, Problem


@dataclass(frozen=True, slots=True)
class NewOption:
    """An option to add."""

    title: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote on one option, identified by its title or, in page forms, by its ID."""

    accept: bool
    prefer: bool
    title: str = ""
    option_id: UUID | None = None


class _List(Parameter, serializers.ListField):
    """A list whose absence has an error message of its own."""

    default_error_messages: ClassVar[dict[str, Any]] = {"not_text": "", "parameter_required": ""}
    child = serializers.Field[Any, Any, Any, Any]()

    def fail(self, key: str, **kwargs: Any) -> Any:
        is_missing = key in ("required", "null", "empty")
        return super().fail("parameter_required" if is_missing else key, **kwargs)

    def get_value(self, dictionary: Any) -> Any:
        return dictionary.get(self.field_name, serializers.empty)

    def run_child_validation(self, data: Any) -> Any:
        return data


class Titles(_List):
    """Titles as a list of strings. A text field in a form has one title per line."""

    wire_type: ClassVar[str] = "array[string]"
    value_type: ClassVar[object] = list[str]

    def to_internal_value(self, data: Any) -> list[str]:
        line = Line(max_length=Option.TITLE_LENGTH)
        titles = super().to_internal_value(_split(data))
        found = [nfc(line.run_validation(title)) for title in titles]
        if not found and self.required:
            self.fail("empty")
        return found


def _split(data: Any) -> Any:
    """Return the non-blank lines of a single text, and other values unchanged."""
    if isinstance(data, list) and len(data) == 1 and isinstance(data[0], str):
        return [line for line in data[0].splitlines() if line.strip()]
    return data


class Lines(Titles):
    """Titles that may also be sent as one text with one title per line."""

    def to_internal_value(self, data: Any) -> list[str]:
        return super().to_internal_value([data] if isinstance(data, str) else data)


class Selections(Titles):
    """Titles that a form sends as checkboxes, after an empty marker."""

    def to_internal_value(self, data: Any) -> list[str]:
        marked = [each for each in data if each != ""] if isinstance(data, list) else data
        return super().to_internal_value(marked)


class NewOptions(_List):
    """Options to add: titles, or objects with `title` and `description`."""

    wire_type: ClassVar[str] = "array[string]"
    value_type: ClassVar[object] = list[NewOption]

    def to_internal_value(self, data: Any) -> list[NewOption]:
        return [_new_option(each) for each in super().to_internal_value(data)]


def _new_option(sent: Any) -> NewOption:
    values = sent if isinstance(sent, Mapping) else {"title": sent}
    title = Line(max_length=Option.TITLE_LENGTH).run_validation(values.get("title", ""))
    described = Block(
        allow_blank=True, allow_null=True, max_length=Option.DESCRIPTION_LENGTH
    ).run_validation(values.get("description", ""))
    return NewOption(nfc(title), described or "")


class Votes(_List):
    """Votes: objects with `option_title`, `accept` and `prefer`.

    The form on the page sends the ID of each option, and the ID with `:accept` or `:prefer` for
    each checked box.
    """

    wire_type: ClassVar[str] = "array[object]"
    value_type: ClassVar[object] = list[Ballot]

    def to_internal_value(self, data: Any) -> list[Ballot]:
        rows = super().to_internal_value(data)
        if not rows:
            self.fail("empty")
        if all(isinstance(each, str) for each in rows):
            return _from_form(rows)
        if not all(isinstance(each, Mapping) for each in rows):
            raise ValidationError("", "not_objects")
        return [_ballot(each) for each in rows]


def _from_form(rows: list[str]) -> list[Ballot]:
    ticked: dict[UUID, set[str]] = {}
    for row in rows:
        text, _, box = row.partition(":")
        option_id = parse_uuid(text)
        if option_id is None:
            raise ValidationError("", "not_objects")
        ticked.setdefault(option_id, set()).add(box)
    return [
        Ballot("accept" in boxes, "prefer" in boxes, option_id=option_id)
        for option_id, boxes in ticked.items()
    ]


def _ballot(sent: Mapping[str, Any]) -> Ballot:
    """Return a vote.

    Raises:
        Invalid: the vote names no option, or a value is not a boolean.
    """
    title = sent.get("option_title")
    if not isinstance(title, str) or not title.strip():
        raise Invalid(Problem("option_title", "is required for each vote"))
    accept = _flag(sent, "accept", "accepted")
    return Ballot(accept, _flag(sent, "prefer", "preferred"), title=nfc(title.strip()))


def _flag(sent: Mapping[str, Any], *names: str) -> bool:
    """Return a boolean that can have several names. Absent and null mean False."""
    for name in names:
        value = sent.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool | int) and value in (0, 1):
            return bool(value)
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in TRUE | FALSE:
            raise Invalid(Problem(name, "not_boolean"))
        return word in TRUE
    return False
