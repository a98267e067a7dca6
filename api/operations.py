"""What the API's description says about a function of a resource, stated at the function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from harmonic.kernel.parameters.fields import Params

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Operation:
    """Decorator that describes a function of a resource as an operation of the API.

    The rest is in the function itself: its docstring is the summary, its return type is the
    answer, and its annotated arguments are the parameters of the path. The name also names the
    components of the operation's parameters: the body of `create_note` is `NoteCreate`.
    """

    name: str
    query: type[Params] | None = None
    body: type[Params] | None = None
    # Optional parameters of the body that must be sent together.
    together: type[Params] | None = None
    # Parameters of the body that the pages of the same action do not list.
    listed: tuple[str, ...] = ()
    # The group of the operation, where it is not the first word of the path.
    tag: str = ""
    # Query of a list that the routes of a base show as an example.
    example: str = ""
    # The values of `include`, for operations with this parameter.
    includes: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        return self.name.partition("_")[2]

    @property
    def component(self) -> str:
        """Name of the body's component: `NoteCreate` for `create_note`."""
        return camel(self.noun) + camel(self.name.partition("_")[0])

    def __call__(self, function: F) -> F:
        OPERATIONS[function] = self
        return function


# The description of each function that has one.
OPERATIONS: dict[Callable[..., Any], Operation] = {}


def operation_of(function: Callable[..., Any]) -> Operation | None:
    return OPERATIONS.get(function)


def camel(name: str) -> str:
    return name.title().replace("_", "")
