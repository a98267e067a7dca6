"""The types of action parameters, as fields of REST framework serializers.

Each has a `wire_type`, the type name in descriptions, and the `value_type` that effects receive. It
refuses values of other types instead of guessing (`docs/api.md`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.fields import empty

from harmonic.kernel.database.tenancy import parse_uuid
from harmonic.kernel.parameters.widgets import Widget
from harmonic.kernel.rendering.text import (
    folded,
    is_acceptable,
    is_blank,
    normalise_block,
    normalise_line,
)

AnyField = serializers.Field[Any, Any, Any, Any]

TRUE = frozenset({"true", "1", "on", "yes", "t"})
FALSE = frozenset({"false", "0", "off", "no", "f"})
PLAIN = Widget()


class Parameter:
    """The base of the fields of this module.

    `wire_type` is the type name in descriptions, and `example` the value there; required parameters
    need an example. A parameter with `is_unlisted` is accepted, but not described.
    """

    wire_type: ClassVar[str] = "string"
    value_type: ClassVar[object] = str

    def __init__(
        self,
        *args: Any,
        widget: Widget = PLAIN,
        is_unlisted: bool = False,
        example: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.widget = widget
        self.example = example
        self.is_unlisted = is_unlisted


def widget_of(field: AnyField) -> Widget:
    return field.widget if isinstance(field, Parameter) else PLAIN


def is_unlisted(field: AnyField) -> bool:
    return isinstance(field, Parameter) and field.is_unlisted


def wire_type_of(field: AnyField) -> str:
    return field.wire_type if isinstance(field, Parameter) else Parameter.wire_type


def pairs(sent: object) -> dict[str, str] | None:
    """Return the values of a form's `cells` by name, or None for anything else.

    The form sends an empty marker, then each name before its value.
    """
    if not (isinstance(sent, list) and sent[:1] == [""] and len(sent) > 1):
        return None
    return dict(zip(sent[1::2], sent[2::2], strict=False))


class _Text(Parameter, serializers.CharField):
    """Text with its white space; other types are refused."""

    default_error_messages: ClassVar[dict[str, Any]] = {"not_text": "", "unacceptable": ""}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None:
            data = self._checked(data)
        return super().run_validation(data)

    def _checked(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        if not is_acceptable(data):
            self.fail("unacceptable")
        return self.normalised(data)

    def normalised(self, value: str) -> str:
        raise NotImplementedError


class Line(_Text):
    """One line of text: a name, a title."""

    def normalised(self, value: str) -> str:
        return normalise_line(value)


class EmailAddress(Line):
    """An e-mail address, unchanged; its folded form must not exceed `max_length` either."""

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        if isinstance(value, str) and len(folded(value)) > (self.max_length or 0):
            self.fail("max_length", max_length=self.max_length)
        return value


class Exact(_Text):
    """Text exactly as it was sent: a password, a path."""

    def normalised(self, value: str) -> str:
        return value


class Block(_Text):
    """Text of several lines; text of invisible characters only is blank."""

    def normalised(self, value: str) -> str:
        return normalise_block(value)

    def run_validation(self, data: Any = empty) -> Any:
        value = super().run_validation(data)
        if isinstance(value, str) and is_blank(value) and not self.allow_blank:
            self.fail("blank")
        return value


class Flag(Parameter, serializers.BooleanField):
    """A boolean; `docs/api.md` lists the accepted values."""

    wire_type: ClassVar[str] = "boolean"
    value_type: ClassVar[object] = bool
    default_error_messages: ClassVar[dict[str, Any]] = {"not_boolean": ""}

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, bool):
            return data
        if isinstance(data, int) and data in (0, 1):
            return bool(data)
        word = data.strip().lower() if isinstance(data, str) else ""
        if word not in TRUE | FALSE:
            self.fail("not_boolean")
        return word in TRUE


class Integer(Parameter, serializers.IntegerField):
    """An integer, or numeric text."""

    wire_type: ClassVar[str] = "integer"
    value_type: ClassVar[object] = int
    default_error_messages: ClassVar[dict[str, Any]] = {"not_a_number": ""}

    def to_internal_value(self, data: Any) -> int:
        is_number = isinstance(data, int) and not isinstance(data, bool)
        if isinstance(data, str):
            is_number = data.strip().lstrip("+-").isdecimal() and len(data) <= 20
        if not is_number:
            self.fail("not_a_number")
        return int(data)


class Choice(Parameter, serializers.ChoiceField):
    """A choice among fixed words.

    `aliases` map other spellings to them. Words in `unlisted` are accepted here, so that a later
    check can refuse them with a reason; they are not described.
    """

    def __init__(
        self,
        choices: Any,
        *,
        aliases: Mapping[str, str] | None = None,
        unlisted: Iterable[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(choices, **kwargs)
        self.aliases = dict(aliases or {})
        self.unlisted = frozenset(unlisted)

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, bool):
            data = "true" if data else "false"
        if not isinstance(data, str):
            self.fail("invalid_choice", input="")
        word = data.strip()
        return str(super().to_internal_value(self.aliases.get(word, word)))


class StringList(Parameter, serializers.ListField):
    """A list of strings, without the empty marker that forms send before checkboxes."""

    wire_type: ClassVar[str] = "array[string]"
    value_type: ClassVar[object] = list[str]
    default_error_messages: ClassVar[dict[str, Any]] = {"not_text": ""}
    child = Line(allow_blank=True)

    def get_value(self, dictionary: Any) -> Any:
        if hasattr(dictionary, "getlist"):
            return dictionary.getlist(self.field_name) if self.field_name in dictionary else empty
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[str]:
        return [name for name in super().to_internal_value(data) if name]


class Id(Parameter, serializers.Field[UUID, Any, str, Any]):
    """The UUID of a row."""

    value_type: ClassVar[object] = UUID
    default_error_messages: ClassVar[dict[str, Any]] = {"not_an_id": ""}

    def to_internal_value(self, data: Any) -> UUID:
        parsed = parse_uuid(data) if isinstance(data, str) else None
        if parsed is None:
            self.fail("not_an_id")
        return parsed


# A day from the limits of datetime, so that times can be converted to any zone and compared with
# adjacent ones.
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, 23, 59, 59, 999_000, tzinfo=UTC)


class DateTime(Parameter, serializers.Field[datetime, Any, str, Any]):
    """A time in ISO 8601; without a zone in UTC, a date alone is midnight UTC.

    Times before `EARLIEST` and after `LATEST`, which clients send for "always" and "never", become
    these.
    """

    wire_type: ClassVar[str] = "datetime"
    value_type: ClassVar[object] = datetime
    default_error_messages: ClassVar[dict[str, Any]] = {"not_a_time": ""}

    def to_internal_value(self, data: Any) -> datetime:
        text = data.strip() if isinstance(data, str) else ""
        text = text.removesuffix(" UTC")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail("not_a_time")
        in_zone = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # Compared before the conversion, which can overflow.
        return min(max(in_zone, EARLIEST), LATEST).astimezone(UTC)


class Params(serializers.Serializer[Any]):
    """The base of the serializers that declare the parameters of an action.

    They have no defaults: parameters that were not sent are left out.
    """

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields; for validation only the required ones and those that were sent."""
        given = getattr(self, "initial_data", None)
        if given is None:
            return super().get_fields()
        declared = self._declared_fields.items()
        return {
            name: copy.deepcopy(field)
            for name, field in declared
            if field.required or name in given
        }
