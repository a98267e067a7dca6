"""Bindings of actions to the REST API, and performing a write.

Errors are reported in the order of `docs/api.md`: the kind of caller, the object, permission, then
the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from rest_framework.request import Request

from api.http.filters import refuse_unknown
from api.http.preconditions import Shown, check_preconditions, is_conditional
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Effect, Outcome
from harmonic.kernel.parameters.decoding import (
    DRY_RUN,
    RawParams,
    declared_fields,
    flat_name,
    read_params,
)
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
from harmonic.kernel.refusals import Invalid, NotPossible, Problem, Refused

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class RestBinding(Binding[T]):
    """Binding of an action to a REST route. Unknown body parameters are ignored."""

    action: Action[T]
    is_kind_first: bool = True
    names_unknown: bool = False
    # Parameters may also be inside an object of this name; those inside take precedence.
    within: str = ""
    # Parameters that have no effect here, but are accepted in a query for compatibility.
    ignored: Collection[str] = ()
    # Returns the sentence about an invalid parameter, if it has no preamble in the contract.
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
    """Perform the action of a binding; `shown` returns the target as GET returns it.

    Raises:
        Refused: nothing was written.
    """
    precondition: Precondition[T] = no_precondition
    if is_conditional(request):
        find, precondition = locked(find), partial(check_preconditions, request, shown)
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
        if binding.sentence and invalid.problems and not invalid.rest_message:
            invalid.rest_message = ", ".join(map(binding.sentence, invalid.problems))
        raise
    except Refused as refused:
        # When a limit is reached, pages respond with 422 and the API with 400.
        if refused.code == "limit_reached" or isinstance(refused, NotPossible):
            refused.status = 400
        raise


def read_params_of(binding: RestBinding[Any], request: Request) -> RawParams | Refused:
    """Return the parameters of a write, or the error if they cannot be read.

    An action without parameters accepts any body.
    """
    try:
        refuse_unknown(map(flat_name, request.query_params), _query_names(binding))
        if binding.params is None:
            return RawParams()
        return _unwrapped(read_params(request._request), binding.within)
    except Refused as refused:
        return refused


def _query_names(binding: RestBinding[Any]) -> list[str]:
    fields = declared_fields(binding.params) if binding.params else ()
    return [*fields, *binding.ignored, DRY_RUN]


def _unwrapped(raw: RawParams, within: str) -> RawParams:
    nested = raw.values.get(within)
    if raw.is_form or nested is None:
        return raw
    if not isinstance(nested, dict):
        raise Invalid.of(within, "not_an_object")
    return RawParams({**raw.values, **nested})


def with_path(raw: RawParams | Refused, **from_path: str) -> RawParams | Refused:
    """Return the parameters of a body with those of the path, which take precedence."""
    if isinstance(raw, Refused):
        return raw
    given = {name: [value] if raw.is_form else value for name, value in from_path.items()}
    return replace(raw, values={**raw.values, **given})
