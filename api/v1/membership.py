"""Joining a collective and leaving it."""

from __future__ import annotations

from django.urls import URLPattern
from rest_framework.request import Request

from api.operations import Operation
from api.v1.collectives import CollectiveJson, collective_json, roles_in
from api.views import Base, Message, ObjectResponse, Resource, route
from api.writes import over_rest
from collectives.actions.joining import JoinParams, join_collective, leave_collective
from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.pipeline import no_target
from harmonic.kernel.rendering.documents import origin_of

BASES = Base
JOIN = over_rest(join_collective)
LEAVE = over_rest(leave_collective)


class Joining(Resource):
    rule = Rule(AccessLevel.NON_MEMBERS)
    writes = {"create": JOIN}

    @Operation("join_collective", body=JoinParams, tag="collectives")
    def create(self, request: Request) -> ObjectResponse[CollectiveJson]:
        """Join this collective with the code of an invitation (people only)."""
        collective = self.perform(JOIN, no_target).object
        roles = roles_in(self.access, [collective])[collective.id]
        return ObjectResponse(collective_json(collective, roles, origin_of(request)))


class Leaving(Resource):
    rule = Rule(AccessLevel.COLLECTIVE)
    writes = {"create": LEAVE}

    @Operation("leave_collective", tag="collectives")
    def create(self, request: Request) -> ObjectResponse[Message]:
        """Leave this collective, together with your agents (people only)."""
        outcome = self.perform(LEAVE, no_target)
        return ObjectResponse({"message": " ".join([outcome.message, *outcome.notes])})


def urls() -> list[URLPattern]:
    return [
        route("api/v1/join", Joining, post="create"),
        route("api/v1/leave", Leaving, post="create"),
    ]
