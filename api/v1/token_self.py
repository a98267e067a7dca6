"""The token of the request: its attributes, the collectives it works in, its rate limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from accounts.queries import Person, with_user
from api.operations import Operation
from api.responses.schema import Count, Doc, Id, KindOfCollective, Scopes, Timestamp
from api.responses.timestamps import format_timestamp
from api.v1.tokens.json import TokenJson, token_json
from api.v1.tokens.resource import NOT_FOUND
from api.views import ObjectResponse, Resource, access_of, request_of, route
from harmonic.access.rate_limits import nearest_limits
from harmonic.kernel.access import AccessLevel, Rule
from harmonic.kernel.operations.limits import Count as RateCount
from harmonic.kernel.refusals import NotFound
from tokens.queries import token_at
from tokens.reach import Obstacle, PlaceReach, reach_of


class NamedUserJson(TypedDict):
    """A user who can change what blocks or limits a token."""

    handle: Annotated[str, Doc(example="alice")]
    name: Annotated[str, Doc(example="Alice")]


class ObstacleJson(TypedDict):
    """A reason why a token does not work in a collective, or only with limits."""

    code: Annotated[str, Doc(example="api_disabled_collective")]
    reason: Annotated[str, Doc(example="API is off in this collective.")]
    cure: Annotated[str | None, Doc(example="Alice can enable it in its settings.")]
    path: Annotated[str | None, Doc(example="/collectives/kitchen/settings")]
    who: list[NamedUserJson]


class ReachedCollectiveJson(TypedDict):
    """A collective of the token's owner."""

    id: Id
    handle: Annotated[str, Doc(example="kitchen")]
    name: Annotated[str, Doc(example="Kitchen")]
    kind: KindOfCollective
    path: Annotated[str, Doc(example="/collectives/kitchen")]
    api_path: Annotated[str, Doc(example="/collectives/kitchen/api/v1")]


class ReachJson(TypedDict):
    """The access of the token in one collective."""

    collective: ReachedCollectiveJson
    open: Annotated[bool, Doc("Whether the token works there now.")]
    scopes: Scopes
    note: Annotated[str | None, Doc("The limit as a sentence.", example=None)]
    limit: Annotated[
        ObstacleJson | None, Doc("The limit on an agent's writes there.", example=None)
    ]
    obstacles: list[ObstacleJson]


class RateJson(TypedDict):
    """A rate limit."""

    limit: Count
    remaining: Count
    reset: Annotated[Count, Doc("Seconds until the window ends.")]


class TokenInUseJson(TokenJson):
    """The token of the request, the collectives it works in, and its rate limits."""

    reach: list[ReachJson]
    rate: Annotated[
        dict[str, RateJson],
        Doc(example={"requests": {"limit": 300, "remaining": 299, "reset": 41}}),
    ]
    now: Annotated[Timestamp, Doc("The server's time.")]


class Self(Resource):
    rule = Rule(AccessLevel.TENANT, resource="api_tokens", any_scope=True)

    @Operation("read_token_in_use")
    def retrieve(self, request: Request) -> ObjectResponse[TokenInUseJson]:
        """Retrieve the token of the request, and the collectives it works in."""
        access = access_of(request)
        if access.token is None:
            raise NotFound(NOT_FOUND)
        owner = with_user().get(id=access.user.person_id)
        token = token_at(owner, str(access.token.id), NOT_FOUND)
        return ObjectResponse(
            {
                **token_json(access, token, owner),
                "reach": [place_json(each) for each in reach_of(access, token).places],
                "rate": rate_json(request_of(request).counts),
                "now": format_timestamp(access.now),
            }
        )


def place_json(place: PlaceReach) -> ReachJson:
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


def obstacle_json(obstacle: Obstacle) -> ObstacleJson:
    return {
        "code": obstacle.code,
        "reason": obstacle.sentence,
        "cure": obstacle.cure_in_words or None,
        "path": obstacle.path or None,
        "who": [person_json(each) for each in obstacle.who],
    }


def person_json(person: Person) -> NamedUserJson:
    return {"handle": person.handle, "name": person.name}


def rate_json(counts: Iterable[RateCount]) -> dict[str, RateJson]:
    """Return the rate limits of the caller, including this request."""
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
