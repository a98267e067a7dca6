"""Checks that effects accept the parameters of their serializers: names, types, absence, null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

import pytest

from api.declarations import binding_errors
from api.v1.notes.resource import Notes
from api.writes import over_rest
from collectives.notes.actions import create_note, update_note
from harmonic.kernel.parameters.fields import (
    Block,
    Choice,
    DateTime,
    Flag,
    Id,
    Integer,
    Line,
    Params,
    StringList,
)
from harmonic.kernel.parameters.signatures import mismatches


class ManyParams(Params):
    title = Line()
    text = Block(required=False)
    kind = Choice(["a"], required=False)
    is_on = Flag(required=False)
    count = Integer(required=False)
    names = StringList(required=False)
    item_id = Id(required=False)
    at = DateTime(required=False)


class LineParams(Params):
    title = Line(required=False, allow_null=True)


class Title(TypedDict, total=False):
    title: str | None


def many(
    access: Any,
    target: object,
    *,
    title: str,
    text: str = "",
    kind: str = "",
    is_on: bool = False,
    count: int | None = None,
    names: Sequence[str] = (),
    item_id: UUID | None = None,
    at: datetime | None = None,
    unsent: str = "",
) -> None: ...


def unpacked(access: Any, target: object, **values: Unpack[Title]) -> None: ...


def nameless(access: Any, target: object) -> None: ...


def number(access: Any, target: object, *, title: int = 0) -> None: ...


def never_null(access: Any, target: object, *, title: str = "") -> None: ...


def needed(access: Any, target: object, *, title: str | None) -> None: ...


def unknown(access: Any, target: object, *, title: str | None = None, other: str) -> None: ...


def test_an_effect_that_accepts_every_parameter_fits() -> None:
    assert list(mismatches(many, ManyParams)) == []
    assert list(mismatches(unpacked, LineParams)) == []
    assert list(mismatches(nameless, None)) == []


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (nameless, "it takes no argument 'title'"),
        (number, "its argument 'title' does not accept <class 'str'>"),
        (never_null, "its argument 'title' does not accept null"),
        (needed, "its argument 'title' needs a default, or a required parameter"),
        (unknown, "its argument 'other' needs a default, or a required parameter"),
    ],
    ids=["nameless", "number", "never_null", "needed", "unknown"],
)
def test_the_difference_between_an_effect_and_its_parameters_is_named(
    effect: Callable[..., Any], expected: str
) -> None:
    assert list(mismatches(effect, LineParams)) == [expected]


def test_a_binding_whose_effect_lacks_its_parameters_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert binding_errors() == []

    binding = over_rest(create_note, params=update_note.params)
    monkeypatch.setattr(Notes, "writes", {"create": binding})

    assert [each.id for each in binding_errors()] == ["api.E002"] * len(binding_errors())
    assert any("'deadline'" in each.msg for each in binding_errors())
