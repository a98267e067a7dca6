"""From a request to an action: how the REST API sends each action, and how a write is performed.

A write is refused in the order of `docs/api.md`: what the caller may never do, then the object,
then who may do this to it, then the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from rest_framework.request import Request

from api.http.preconditions import Shown, is_conditional, require_as_expected
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Effect, Outcome
from harmonic.kernel.parameters.decoding import Raw, raw_of
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.pipeline import Call, Expect, Find, Wire, locked, nothing_expected, perform
from harmonic.kernel.refusals import Invalid, Problem, Refused

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RestWire(Wire[T]):
    """How the REST API sends one action. Unknown parameters are ignored."""

    action: Action[T]
    is_kind_first: bool = True
    names_unknown: bool = False
    # Parameters may also stand in an object of this name; those inside win.
    within: str = ""
    # What the contract calls an argument in the faults that the effect finds.
    names: Mapping[str, str] = field(default_factory=dict)
    # Words a faulty parameter, where the contract has no preamble.
    sentence: Callable[[Problem], str] | None = None


def over_rest(
    action: Action[T],
    params: type[Params] | None = None,
    effect: Effect[T] | None = None,
    **differences: Any,
) -> RestWire[T]:
    """Return the wire of an action, with its own parameters and effect unless others are given."""
    own = {"params": params or action.params, "effect": effect or action.effect}
    return RestWire(**{"action": action, **own, **differences})


def carry_out(
    wire: RestWire[T],
    request: Request,
    access: Access,
    raw: Raw | Refused,
    find: Find[T],
    shown: Shown,
    place: str,
) -> Outcome:
    """Perform the action of a wire; `shown` is how GET answers with its target.

    Raises:
        Refused: nothing was written.
    """
    expect: Expect[T] = nothing_expected
    if is_conditional(request):
        find, expect = locked(find), partial(require_as_expected, request, shown)
    call = Call(action=wire.action, wire=wire, raw=raw, find=find, expect=expect, place=place)
    try:
        return perform(call, access)
    except Invalid as invalid:
        invalid.problems = tuple(
            replace(each, param=wire.names.get(each.param, each.param)) for each in invalid.problems
        )
        if wire.sentence and invalid.problems:
            invalid.rest_message = ", ".join(map(wire.sentence, invalid.problems))
        raise


def sent(wire: RestWire[Any], request: Request) -> Raw | Refused:
    """Return the parameters of a write, or why they cannot be read.

    An action without parameters takes any body.
    """
    if wire.params is None:
        return Raw()
    try:
        return _unwrapped(raw_of(request._request), wire.within)
    except Refused as refused:
        return refused


def _unwrapped(raw: Raw, within: str) -> Raw:
    nested = raw.values.get(within)
    if raw.is_form or nested is None:
        return raw
    if not isinstance(nested, dict):
        raise Invalid.of(within, "not_an_object")
    return Raw({**raw.values, **nested})
