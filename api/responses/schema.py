"""Types for declaring the responses of the API.

A response is a `TypedDict` whose name ends in `Json`. Its annotations hold descriptions and
examples for the OpenAPI document. pydantic reads them when the document is built, which happens
in development only; at run time they have no effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from harmonic.kernel.access import CollectiveKind, UserType

Schema = dict[str, Any]


class Doc:
    """JSON Schema keywords of an annotated type, such as its description and example."""

    def __init__(self, description: str = "", **keywords: Any) -> None:
        if "example" in keywords:
            keywords["examples"] = [keywords.pop("example")]
        self.keywords = {"description": description, **keywords} if description else keywords

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> Schema:
        return {**handler(core_schema), **self.keywords}


class OneOf:
    """The values of an annotated string: a component of this name in the OpenAPI document."""

    def __init__(self, name: str, choices: Iterable[str]) -> None:
        self.name, self.choices = name, tuple(str(choice) for choice in choices)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return handler.generate_schema(_enumeration(self.name, self.choices))


@cache
def _enumeration(name: str, choices: tuple[str, ...]) -> object:
    return StrEnum(name, {choice: choice for choice in choices})


Id = Annotated[str, Doc(format="uuid", example="3f0c7a52-6d1e-4b8a-9f53-0c2d7e4a1b90")]
ShortId = Annotated[str, Doc(pattern="^[0-9a-f]{8}$", example="3f0c7a52")]
Timestamp = Annotated[
    str,
    Doc(
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        example="2026-05-13T09:00:00.123Z",
    ),
]
KindOfUser = Annotated[str, OneOf("UserType", UserType)]
KindOfCollective = Annotated[str, OneOf("CollectiveType", CollectiveKind)]
Url = Annotated[str, Doc(format="uri")]
Count = Annotated[int, Doc(minimum=0)]
Scopes = Annotated[list[str], Doc(example=["read:all"])]
AlwaysNull = Annotated[None, Doc("Always null; kept for compatibility.", example=None)]
Notice = Annotated[
    str, Doc("Parameters that were ignored, and why. Absent if none were.", example="Ignored: …")
]
DryRun = Annotated[bool, Doc("True in the response to a dry run. Absent otherwise.")]
