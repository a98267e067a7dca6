"""The list of decisions: its parameters and its query."""

from __future__ import annotations

from rest_framework.request import Request

from api.v1.decisions.json import STATUSES, DecisionJson, DecisionWriter
from api.v1.item_lists import ItemFilterParams, ItemList
from api.views import ListResponse
from collectives.decisions.models import Decision
from collectives.decisions.queries import DECISIONS
from harmonic.kernel.parameters.fields import Choice, Line


class DecisionListParams(ItemFilterParams):
    subtype = Line(
        required=False, allow_blank=True, help_text="Comma-separated: vote, executive, lottery."
    )
    status = Choice(STATUSES, required=False, help_text="Whether it is open or closed.")


_LIST = ItemList(
    DECISIONS, DecisionListParams, Decision.Subtype.values, lambda access, params: None
)


def list_of_decisions(request: Request) -> ListResponse[DecisionJson]:
    """Return the response with the requested decisions."""
    page = _LIST.page(request)
    return page.response(DecisionWriter(request, page.rows).all(page.rows))
