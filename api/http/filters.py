"""Query parameters that several lists share, and the check for unknown names."""

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

# Accepted everywhere, since clients send it where there is nothing to include.
INCLUDE = "include"
NAMED_LENGTH = 80


def named(*problems: Problem, code: str = "", hint: str = "") -> Invalid:
    """Return the error about query parameters, under the names that they have in the URL."""
    invalid = Invalid(*problems, code=code, rest_message=wording.joined(problems))
    invalid.hint = hint
    return invalid


def refuse_unknown(asked: Iterable[str], known: Collection[str]) -> None:
    """Require that a route has every query parameter of a request.

    A misspelt filter would otherwise return everything.

    Raises:
        Invalid: with the unknown names, the most similar known one, and all names of the route.
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
    """Filters by author, creation and last update."""

    created_by = Line(
        required=False, allow_blank=True, help_text="The author: a handle, a UUID, or me."
    )
    created_after = DateTime(required=False, help_text="Created after this time.")
    created_before = DateTime(required=False, help_text="Created before this time.")
    updated_after = DateTime(required=False, help_text="Updated after this time.")
    updated_before = DateTime(required=False, help_text="Updated before this time.")


def sort_field(*moments: str, usual: str) -> Choice:
    """Return the parameter `sort_by` of a list that can be sorted by each of `moments`."""
    orders = [f"{moment}-{direction}" for moment in moments for direction in ("desc", "asc")]
    return Choice(orders, required=False, help_text=f"The sort order. Default: {usual}.")


def order_of(params: dict[str, Any], usual: str) -> Order:
    moment, _, direction = params.get("sort_by", usual).rpartition("-")
    return Order(moment, is_descending=direction == "desc")


def author_of(access: Access, params: dict[str, Any]) -> TenantUser | None:
    """Return the user that `created_by` names; None if it is absent or blank.

    Raises:
        Invalid: no user of this tenant has this name.
    """
    asked = params.get("created_by")
    if not asked:
        return None
    person = person_named(asked, access)
    if person is None:
        raise named(Problem("created_by", "names no user of this tenant"))
    return person
