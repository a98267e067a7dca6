"""The decorator that describes a function of a resource for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from harmonic.kernel.parameters.fields import Params

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """Decorator that describes a function of a resource as an operation of the API.

    The function provides the rest: its docstring is the summary, its return type the type of the
    response, and its annotated arguments are the path parameters. `name` is the operation ID, and
    the body of `create_note` is the component `NoteCreate`.
    """

    name: str
    query: type[Params] | None = None
    body: type[Params] | None = None
    # Optional body parameters that must be sent together.
    together: type[Params] | None = None
    # Body parameters that are documented here, though the action's pages do not list them.
    listed: tuple[str, ...] = ()
    # The tag, if it is not the first word of the path.
    tag: str = ""
    # For lists: the query that `GET {base}` shows as an example.
    example: str = ""
    # The values of `include`, if the operation has this parameter.
    includes: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        return self.name.partition("_")[2]

    @property
    def component(self) -> str:
        """The component name of the body: `NoteCreate` for `create_note`."""
        return camel(self.noun) + camel(self.name.partition("_")[0])

    def __call__(self, function: F) -> F:
        OPERATIONS[function] = self
        return function


# The operation of each described function.
OPERATIONS: dict[Callable[..., Any], Operation] = {}


def operation_of(function: Callable[..., Any]) -> Operation | None:
    return OPERATIONS.get(function)


def camel(name: str) -> str:
    return name.title().replace("_", "")
