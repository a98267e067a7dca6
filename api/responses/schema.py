"""Types that the answers of the API are declared with.

An answer is a `TypedDict` whose name ends in `Json`. Its annotations carry what the API's
description says beside the type. pydantic reads them when the description is built, which
happens in development only: at run time they do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any

from harmonic.kernel.access import CollectiveKind, UserType

Schema = dict[str, Any]


class Doc:
    """Description, example and other JSON Schema keywords of an annotated type."""

    def __init__(self, description: str = "", **keywords: Any) -> None:
        if "example" in keywords:
            keywords["examples"] = [keywords.pop("example")]
        self.keywords = {"description": description, **keywords} if description else keywords

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> Schema:
        return {**handler(core_schema), **self.keywords}


class OneOf:
    """Values of an annotated string. The description has them as a component of this name."""

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
AlwaysNull = Annotated[None, Doc("Kept for clients that expect it.", example=None)]
Notice = Annotated[str, Doc("What was ignored and why. Absent otherwise.", example="Ignored: …")]
DryRun = Annotated[bool, Doc("True in the response to a dry run. Absent otherwise.")]
