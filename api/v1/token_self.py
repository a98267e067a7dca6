"""The token in use: what it is, where it gets in right now, and how much of its rate is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import URLPattern
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.queries import Person, with_user
from api.shapes import ts
from api.v1.tokens import NOT_FOUND, token_json
from api.views import Resource, access_of, route
from harmonic.access.rate_limits import nearest_limits
from harmonic.kernel.access import Door, NotFound, Rule
from harmonic.kernel.limits import Count
from tokens.queries import token_at
from tokens.reach import Obstacle, Place, reach_of


class Self(Resource):
    rule = Rule(Door.TENANT, resource="api_tokens", any_scope=True)

    def retrieve(self, request: Request) -> Response:
        access = access_of(request)
        if access.token is None:
            raise NotFound(NOT_FOUND)
        owner = with_user().get(id=access.user.person_id)
        token = token_at(owner, str(access.token.id), NOT_FOUND)
        return Response(
            {
                **token_json(access, token, owner),
                "reach": [place_json(each) for each in reach_of(access, token).places],
                "rate": rate_json(request._request.counts),  # type: ignore[attr-defined]  # ours
                "now": ts(access.now),
            }
        )


def place_json(place: Place) -> dict[str, Any]:
    return {
        "collective": {
            "id": str(place.id),
            "handle": place.handle,
            "name": place.name,
            "kind": place.kind,
            "path": place.path,
            "api_path": place.api_path,
        },
        "open": place.is_open,
        "scopes": list(place.scopes),
        "note": note_of(place.limit) if place.is_open and place.limit else None,
        "limit": obstacle_json(place.limit) if place.is_open and place.limit else None,
        "obstacles": [obstacle_json(each) for each in place.obstacles],
    }


def note_of(limit: Obstacle) -> str:
    return f"{limit.sentence} {limit.cure_in_words}".strip()


def obstacle_json(obstacle: Obstacle) -> dict[str, Any]:
    return {
        "code": obstacle.code,
        "reason": obstacle.sentence,
        "cure": obstacle.cure_in_words or None,
        "path": obstacle.path or None,
        "who": [person_json(each) for each in obstacle.who],
    }


def person_json(person: Person) -> dict[str, str]:
    return {"handle": person.handle, "name": person.name}


def rate_json(counts: Iterable[Count]) -> dict[str, dict[str, int]]:
    """Return the nearest limits of the caller, with this request counted."""
    return {
        name: {
            "limit": each.limit.quota,
            "remaining": each.remaining,
            "reset": each.reset_in,
        }
        for name, each in nearest_limits(counts).items()
        if name != "tenant"
    }


def urls() -> list[URLPattern]:
    return [route("api/v1/tokens/self", Self, get="retrieve")]
