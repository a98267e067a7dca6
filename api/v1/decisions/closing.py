"""The closing of decisions, and their final statements."""

from __future__ import annotations

from django.urls import URLPattern
from rest_framework.request import Request

from api.operations import Operation
from api.v1.decisions.json import INCLUDES, DecisionJson
from api.v1.decisions.resource import DecisionId, Decisions
from api.views import Base, ObjectResponse, route
from api.writes import over_rest
from collectives.decisions.actions import voting

BASES = Base
CLOSE = over_rest(voting.close_decision)
STATE = over_rest(voting.add_statement)


class Closing(Decisions):
    writes = {"close": CLOSE, "state": STATE}

    @Operation("close_decision", body=voting.CloseParams, includes=INCLUDES, tag="closing")
    def close(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Close a decision now."""
        return self._written(CLOSE, decision_id)

    @Operation("state_decision", body=voting.StatementParams, includes=INCLUDES, tag="closing")
    def state(self, request: Request, decision_id: DecisionId) -> ObjectResponse[DecisionJson]:
        """Write the final statement of a closed decision, or replace it."""
        return self._written(STATE, decision_id)


def urls() -> list[URLPattern]:
    one = "api/v1/decisions/<str:decision_id>"
    return [
        route(f"{one}/close", Closing, post="close"),
        route(f"{one}/statement", Closing, post="state"),
    ]
