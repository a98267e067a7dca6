"""The pipeline of a write on every surface.

Decide access, find the target, authorise, validate, run the effect, emit the event
(`docs/architecture.md`, Call and binding).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, transaction
from django.db.models import Model
from django.utils import timezone

from harmonic.kernel import events
from harmonic.kernel.access import Access
from harmonic.kernel.actions import (
    Action,
    Check,
    Effect,
    Outcome,
    require_kind,
    require_policy,
    require_scope,
)
from harmonic.kernel.database import outages
from harmonic.kernel.database.short_ids import is_short_id_collision
from harmonic.kernel.operations import audit, storage
from harmonic.kernel.parameters.decoding import (
    RawParams,
    declared_fields,
    in_order,
    unknown_names,
    valid_value,
    validated,
)
from harmonic.kernel.parameters.fields import Params
from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.refusals import (
    Invalid,
    Problem,
    Refused,
)

# How often a transaction runs at most if it conflicts with others.
RUNS = 3


_log = logging.getLogger(__name__)


T = TypeVar("T")
# Returns the target of an action, through the rule that lets the caller see it.
Find = Callable[[Access], T]
# Refuses a write if the target is not as the client expects.
Precondition = Callable[[Access, T], None]


def no_target(access: Access) -> None:
    return None


def no_precondition(access: Access, target: object) -> None:
    return None


def locked(find: Find[T]) -> Find[T]:
    """Return a `find` that locks the row until the end of the transaction."""

    def find_locked(access: Access) -> T:
        target = find(access)
        if isinstance(target, Model):
            rows = type(target)._default_manager.select_for_update(no_key=True)
            rows.filter(pk=target.pk).values_list("pk").first()
        return find(access)

    return find_locked


# Refuses a body because of its contents.
BodyCheck = Callable[[Access, RawParams], None]


def no_check(access: Access, raw: RawParams) -> None:
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding(Generic[T]):
    """The parameters of an action on one surface, and the effect that they run.

    By default an action is bound to its own parameters, which pages use. The REST API declares
    another binding where its contract has other parameters. Permissions, event and log line are
    always the action's.
    """

    params: type[Params] | None
    # The action's effect, or a function that translates these parameters and calls it.
    effect: Effect[T]
    # Runs before the parameters are validated.
    check: BodyCheck = no_check
    # Whether the kind of caller is checked before the target is found.
    is_kind_first: bool = False
    # Whether the response names parameters that the action does not have.
    names_unknown: bool = True
    # The names here of parameters that the action has under other names, for its problems.
    names: Mapping[str, str] = field(default_factory=dict)
    # The checks of the effect, besides those of the action.
    checks: Mapping[str, Check[T]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call(Generic[T]):
    """A request to run an action, from any surface.

    `raw` may be the refusal of a body that cannot be read: it is raised after the permissions are
    checked.
    """

    action: Action[T]
    find: Find[T]
    raw: RawParams | Refused = field(default_factory=RawParams)
    precondition: Precondition[T] = no_precondition
    # None: the action's own parameters and effect.
    binding: Binding[T] | None = None
    # The ID or handle of the collective to run in, if the path does not name it.
    place: str = ""


def perform(call: Call[T], access: Access) -> Outcome:
    """Run an action in one transaction: decide, find, authorise, validate, run the effect.

    Caller and target are read inside the transaction (`docs/architecture.md`, Deciding). A
    transaction that PostgreSQL ends to resolve a conflict, or that drew a short ID which is taken,
    runs again, `RUNS` times in all.

    Raises:
        Refused: nothing was written.
    """
    action = call.action
    binding = call.binding or Binding(params=action.params, effect=action.effect)
    for run in range(1, RUNS + 1):
        try:
            outcome = _performed(call, binding, access)
        except DatabaseError as error:
            if run == RUNS or not (outages.is_retryable(error) or is_short_id_collision(error)):
                raise
            _log.info("Running '%s' again after a conflict of transactions.", action.name)
        else:
            return _with_notes(binding, call.raw, outcome)
    raise AssertionError("the last run returns or raises")


def _performed(call: Call[T], binding: Binding[T], access: Access) -> Outcome:
    action = call.action
    with transaction.atomic():
        access, target = _allowed(call, binding, access)
        call.precondition(access, target)
        with _all_problems(call, binding, access, target):
            params = _params(binding, access, call.raw)
            outcome = binding.effect(access, target, **params)
        outcome = replace(outcome, event=events.emit(action, access, outcome))
        storage.count(access, 0 if action.is_read else storage.size_of(params))
        outages.mark_performed()
    return outcome


def _allowed(call: Call[T], binding: Binding[T], access: Access) -> tuple[Access, T]:
    """Return the caller and the target as they are in the transaction, if the action may run.

    The time is read after the target is found, so a write that waited for the row has a later time
    than the write that held it.
    """
    action = call.action
    access = _decided(action, access)
    require_scope(action, access)
    access = _inside(call, access)
    if binding.is_kind_first:
        require_kind(action, access)
    target = call.find(access)
    if access.decider is not None:
        access = replace(access, now=timezone.now())
    if not binding.is_kind_first:
        require_kind(action, access)
    require_policy(action, access, target)
    return access, target


def _decided(action: Action[Any], access: Access) -> Access:
    """Return the access as it is in the transaction, locked until its end."""
    if access.decider is None:
        return access
    return access.decider.again(exclusive=action.changes_access)


def _inside(call: Call[Any], access: Access) -> Access:
    """Return the access in the collective that the call names, if it names one.

    Raises:
        Refused: the caller is not a member, or the collective is closed to the request.
    """
    return replace(access.within(call.place), is_writing=True) if call.place else access


def _params(binding: Binding[Any], access: Access, raw: RawParams | Refused) -> dict[str, Any]:
    """Return the parameters that were sent, checked and validated once.

    Raises:
        Refused: the body cannot be read, may not contain this, or misspells a parameter.
        Invalid: a parameter has an invalid value.
    """
    if isinstance(raw, Refused):
        raise raw
    binding.check(access, raw)
    unknown = unknown_names(binding.params, raw) if binding.names_unknown else []
    try:
        params = validated(binding.params, raw)
    except Invalid as invalid:
        invalid.hint = invalid.hint or misspelt(binding.params, unknown)
        raise
    _refuse_misspelt(binding.params, unknown, raw)
    return params


@contextmanager
def _all_problems(call: Call[T], binding: Binding[T], access: Access, target: T) -> Iterator[None]:
    """Add the problems that the action's checks find to a refusal of invalid parameters.

    The serializer does not find those that depend on stored rows, such as a handle that is taken
    or a limit that is reached, and the effect raises one at a time.
    """
    try:
        yield
    except Invalid as invalid:
        if invalid.problems and binding.params:
            known = list(_named(binding, invalid))
            others = list(_found_by_checks(call, binding, access, target))
            faulty = {problem.param for problem in known}
            others = [problem for problem in others if problem.param not in faulty]
            invalid.problems = tuple(in_order(binding.params, [*known, *others]))
            # The sentence is about the first problem only.
            invalid.rest_message = "" if others else invalid.rest_message
            invalid.limit = _limit_reached(call, binding.params, access, target)
        raise


def _found_by_checks(
    call: Call[T], binding: Binding[T], access: Access, target: T
) -> Iterator[Problem]:
    if binding.params is None or isinstance(call.raw, Refused):
        return
    for name, check in {**call.action.checks, **binding.checks}.items():
        value = valid_value(binding.params, call.raw, binding.names.get(name, name))
        if value is None:
            continue
        try:
            check(access, target, value)
        except Invalid as invalid:
            yield from _named(binding, invalid)


def _limit_reached(call: Call[T], params: type[Params], access: Access, target: T) -> str:
    """Return the sentence of the action's limit if it is reached, or ""."""
    check = call.action.limit_check
    if check is None or isinstance(call.raw, Refused):
        return ""
    valid = {name: valid_value(params, call.raw, name) for name in declared_fields(params)}
    try:
        check(access, target, {name: each for name, each in valid.items() if each is not None})
    except Refused as refused:
        return refused.message if isinstance(refused, Invalid) else ""
    return ""


def _named(binding: Binding[Any], invalid: Invalid) -> Iterator[Problem]:
    """Yield the problems with the names of the binding's parameters."""
    for problem in invalid.problems:
        yield replace(problem, param=binding.names.get(problem.param, problem.param))


def _refuse_misspelt(params: type[Params] | None, unknown: Iterable[str], raw: RawParams) -> None:
    """Refuse a body that misspells a parameter which it does not contain otherwise.

    Writing without the parameter would lose what was sent under the wrong name.

    Raises:
        Refused: 422, with the parameter that was probably meant.
    """
    declared = declared_fields(params) if params else {}
    missing = [name for name in declared if name not in raw.values]
    sentences = [
        f"'{name[:80]}' is not a parameter of this action. {question}"
        for name in unknown
        if (question := did_you_mean(name, missing))
    ]
    if sentences:
        raise Refused(
            " ".join(sentences),
            status=422,
            code="unknown_parameter",
            hint="Nothing was written. Correct the name, or leave the parameter out.",
        )


def _with_notes(binding: Binding[Any], raw: RawParams | Refused, outcome: Outcome) -> Outcome:
    """Return the outcome with a note that names the parameters that were ignored."""
    if isinstance(raw, Refused) or not binding.names_unknown:
        return outcome
    ignored = unknown_names(binding.params, raw)
    if not ignored:
        return outcome
    note = f"Ignored unknown parameters: {', '.join(ignored)}."
    return replace(outcome, notes=(*outcome.notes, note))


def dry_run(call: Call[Any], access: Access) -> Outcome:
    """Run an action and roll it back; return what the result would have been.

    The outcome has no resource, since none was created.

    Raises:
        Refused: `perform` would refuse the call too.
    """
    with audit.without_recording(), transaction.atomic():
        outcome = perform(call, access)
        transaction.set_rollback(True)
    message = f"Nothing was changed. The result would have been: {outcome.message}"
    return Outcome(message, "", notes=outcome.notes, is_dry_run=True)


def misspelt(params: type[Params] | None, names: Iterable[str]) -> str:
    """Return a question that names the parameter nearest to an unknown one, or ""."""
    known = list(declared_fields(params)) if params else []
    return next((hint for name in names if (hint := did_you_mean(name, known))), "")


# Audiences of actions, the narrowest first.
_READERS = {
    "private": "you alone",
    "shared": "the members of the collective or the people concerned",
    "public": "everyone in this tenant",
}
_WIDTH = {audience: width for width, audience in enumerate(_READERS)}


def require_audience(
    action: Action[T],
    claimed: str,
    precondition: Precondition[T],
    access: Access,
    target: T,
) -> None:
    """Pass if the caller claims the audience that the action has here.

    Raises:
        Refused: the caller claims another audience, or none.
    """
    precondition(access, target)
    audience = action.audience_in(access)
    if claimed == audience:
        return
    is_leak = claimed in _READERS and _WIDTH[audience] > _WIDTH[claimed]
    warning = " Check that what you write may be seen by them." if is_leak else ""
    raise Refused(
        "The visibility does not match the action." if claimed else "The visibility is missing.",
        status=409,
        code="visibility_mismatch" if claimed else "visibility_missing",
        hint=f"The result will be visible to {_READERS[audience]}.{warning} Send `{audience}`.",
        extra={"expected": audience} if claimed else {},
    )
