"""Query parameters that several lists share: which names a route takes, the order, the author."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from accounts.models import TenantUser
from accounts.queries import person_named
from harmonic.kernel.access import Access
from harmonic.kernel.http.cursors import Order
from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.fields import Choice, DateTime, Line, Params
from harmonic.kernel.refusals import Invalid, Problem

# Every read takes it: clients send it where there is nothing to include.
INCLUDE = "include"
NAMED_LENGTH = 80


def named(*problems: Problem, code: str = "", hint: str = "") -> Invalid:
    """Return the refusal of a query's parameters, which names them as the address spells them."""
    invalid = Invalid(*problems, code=code, rest_message=wording.joined(problems))
    invalid.hint = hint
    return invalid


def refuse_unknown(asked: Iterable[str], known: Collection[str]) -> None:
    """Pass if a route has every query parameter that a request names.

    A misspelt filter would otherwise answer with everything.

    Raises:
        Invalid: with the unknown names, the nearest known one, and all of the route's.
    """
    offered = [*known, *({INCLUDE} - set(known))]
    unknown = [name[:NAMED_LENGTH] for name in asked if name not in offered]
    if not unknown:
        return
    nearest = wording.did_you_mean(unknown[0], offered)
    hint = f"{nearest} Parameters of this route: {', '.join(offered)}.".strip()
    problems = (Problem(name, "is not a parameter of this route") for name in unknown)
    raise named(*problems, code="unknown_parameter", hint=hint)


class DatedParams(Params):
    """The filters of a list whose rows show when they were created and updated, and by whom."""

    created_by = Line(required=False, allow_blank=True, help_text="A handle, an id, or me.")
    created_after = DateTime(required=False)
    created_before = DateTime(required=False)
    updated_after = DateTime(required=False)
    updated_before = DateTime(required=False)


def sort_field(*moments: str, usual: str) -> Choice:
    """Return the field `sort_by` of a list that is ordered by one of `moments`."""
    orders = [f"{moment}-{direction}" for moment in moments for direction in ("desc", "asc")]
    return Choice(orders, required=False, help_text=f"The order. Default: {usual}.")


def order_of(params: dict[str, Any], usual: str) -> Order:
    moment, _, direction = params.get("sort_by", usual).rpartition("-")
    return Order(moment, is_descending=direction == "desc")


def author_of(access: Access, params: dict[str, Any]) -> TenantUser | None:
    """Return who `created_by` names; None if it is absent or blank.

    Raises:
        Invalid: it names nobody in this tenant.
    """
    asked = params.get("created_by")
    if not asked:
        return None
    person = person_named(asked, access)
    if person is None:
        raise named(Problem("created_by", "names nobody here"))
    return person
