"""From a request to an action: how the REST API sends each action, and how a write is performed.

A write is refused in the order of `docs/api.md`: what the caller may never do, then the object,
then who may do this to it, then the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from rest_framework.request import Request

from api.http.filters import refuse_unknown
from api.http.preconditions import Shown, is_conditional, require_as_expected
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Effect, Outcome
from harmonic.kernel.parameters.decoding import DRY_RUN, RawParams, flat_name, read_params
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.pipeline import (
    Binding,
    Call,
    Find,
    Precondition,
    locked,
    no_precondition,
    perform,
)
from harmonic.kernel.refusals import Invalid, Problem, Refused

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RestBinding(Binding[T]):
    """How the REST API sends one action. Unknown parameters are ignored."""

    action: Action[T]
    is_kind_first: bool = True
    names_unknown: bool = False
    # Parameters may also stand in an object of this name; those inside win.
    within: str = ""
    # Parameters of the contract without an effect here, which a query may have all the same.
    ignored: Collection[str] = ()
    # What the contract calls an argument in the faults that the effect finds.
    names: Mapping[str, str] = field(default_factory=dict)
    # Words a faulty parameter, where the contract has no preamble.
    sentence: Callable[[Problem], str] | None = None


def over_rest(
    action: Action[T],
    params: type[Params] | None = None,
    effect: Effect[T] | None = None,
    **differences: Any,
) -> RestBinding[T]:
    """Return the binding of an action, with its own parameters and effect by default."""
    own = {"params": params or action.params, "effect": effect or action.effect}
    return RestBinding(**{"action": action, **own, **differences})


def carry_out(
    binding: RestBinding[T],
    request: Request,
    access: Access,
    raw: RawParams | Refused,
    find: Find[T],
    shown: Shown,
    place: str,
) -> Outcome:
    """Perform the action of a binding; `shown` is how GET answers with its target.

    Raises:
        Refused: nothing was written.
    """
    precondition: Precondition[T] = no_precondition
    if is_conditional(request):
        find, precondition = locked(find), partial(require_as_expected, request, shown)
    call = Call(
        action=binding.action,
        binding=binding,
        raw=raw,
        find=find,
        precondition=precondition,
        place=place,
    )
    try:
        return perform(call, access)
    except Invalid as invalid:
        invalid.problems = tuple(
            replace(each, param=binding.names.get(each.param, each.param))
            for each in invalid.problems
        )
        if binding.sentence and invalid.problems and not invalid.rest_message:
            invalid.rest_message = ", ".join(map(binding.sentence, invalid.problems))
        raise
    except Refused as refused:
        # A limit that is reached is 422 on pages and 400 here.
        if refused.code == "limit_reached":
            refused.status = 400
        raise


def sent(binding: RestBinding[Any], request: Request) -> RawParams | Refused:
    """Return the parameters of a write, or why they cannot be read.

    An action without parameters takes any body.
    """
    try:
        refuse_unknown(map(flat_name, request.query_params), _query_names(binding))
        if binding.params is None:
            return RawParams()
        return _unwrapped(read_params(request._request), binding.within)
    except Refused as refused:
        return refused


def _query_names(binding: RestBinding[Any]) -> list[str]:
    fields = binding.params().fields if binding.params else ()
    return [*fields, *binding.ignored, DRY_RUN]


def _unwrapped(raw: RawParams, within: str) -> RawParams:
    nested = raw.values.get(within)
    if raw.is_form or nested is None:
        return raw
    if not isinstance(nested, dict):
        raise Invalid.of(within, "not_an_object")
    return RawParams({**raw.values, **nested})
