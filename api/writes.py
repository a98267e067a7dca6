"""From a request to an action: what is read, and in which order a write is refused.

The order is that of `docs/api.md`: what the caller may never do, then the object, then who
may do this to it, then the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rest_framework.request import Request

from api.preconditions import is_conditional, require_as_expected
from harmonic.kernel.access import Access, Invalid, Refused
from harmonic.kernel.actions import Action, ActionRefused, Find, Outcome, perform
from harmonic.kernel.pages import locked
from harmonic.kernel.parameters.decoding import FORMS, Raw, declared_fields, raw_of


def nothing_checked(raw: Raw) -> None:
    return None


def refuse_kind(action: Action, access: Access) -> None:
    """Pass if the caller may do this at all, whatever it is done to.

    Raises:
        ActionRefused: an agent without the capability, or a caller who is no person.
    """
    denied = action.capability_denied(access) or action.kind_denied(access)
    if denied:
        raise ActionRefused.because(denied)


def carry_out(
    action: Action,
    access: Access,
    find: Find,
    request: Request,
    within: str = "",
    check: Callable[[Raw], None] = nothing_checked,
) -> Outcome:
    """Perform an action with a request's parameters; unknown ones are ignored.

    With `within`, parameters may also stand in an object of that name. `check` refuses what
    the whole body may not hold.

    Raises:
        Refused: nothing was written.
    """
    return _performed(action, access, find, request, _readable(action, request, within, check))


def _readable(
    action: Action, request: Request, within: str, check: Callable[[Raw], None]
) -> Raw | Refused:
    try:
        raw = sent(request, within)
        check(raw)
    except Refused as refused:
        return refused
    return known(action, raw)


def erase(action: Action, access: Access, find: Find, request: Request) -> Outcome:
    """Perform an action that takes no parameters, whatever the body holds.

    Raises:
        Refused: nothing was written.
    """
    return _performed(action, access, find, request, Raw())


def _performed(
    action: Action, access: Access, find: Find, request: Request, raw: Raw | Refused
) -> Outcome:
    if not is_conditional(request):
        return perform(action, access, find, raw)
    return perform(action, access, locked(find), raw, partial(require_as_expected, request))


def known(action: Action, raw: Raw) -> Raw:
    declared = declared_fields(action.params) if action.params else {}
    return Raw({name: raw.values[name] for name in raw.values if name in declared}, raw.is_form)


def sent(request: Request, within: str = "") -> Raw:
    """Read the parameters of a write, of whichever method, in JSON or as a form.

    Raises:
        Unreadable: the body is not what its media type says.
        Refused: its media type is not supported.
    """
    django = request._request
    if django.content_type in FORMS and django.method != "POST":
        # Django itself reads forms of POST alone.
        _ = request.data
    return _unwrapped(raw_of(django), within)


def _unwrapped(raw: Raw, within: str) -> Raw:
    nested = raw.values.get(within)
    if raw.is_form or nested is None:
        return raw
    if not isinstance(nested, dict):
        raise Invalid.of(within, "not_an_object")
    return Raw({**raw.values, **nested})
