"""Base classes and helpers of the API's viewsets: responses, headers, writes, routes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from typing import (
    Annotated,
    Any,
    ClassVar,
    Generic,
    NoReturn,
    NotRequired,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
)

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet
from typing_extensions import TypedDict

from api.http.dry_runs import is_dry_run, run_and_roll_back
from api.http.filters import refuse_unknown
from api.http.negotiation import Json
from api.http.preconditions import add_entity_tag
from api.idempotency.keys import HEADER
from api.idempotency.once import once
from api.responses.schema import Doc, DryRun
from api.writes import RestBinding, carry_out, read_params_of
from harmonic.kernel import registry
from harmonic.kernel.access import Access, Rule
from harmonic.kernel.actions import Outcome
from harmonic.kernel.http.methods import SAFE, method_not_allowed
from harmonic.kernel.http.request import AccessRequest, has_access
from harmonic.kernel.operations.redaction import ShownOnce, show_once
from harmonic.kernel.pages import RoutedView
from harmonic.kernel.parameters.decoding import RawParams
from harmonic.kernel.pipeline import Find
from harmonic.kernel.refusals import Invalid, Refused
from harmonic.kernel.rendering.documents import keep_private, origin_of

T = TypeVar("T")


class Base(Enum):
    """The prefixes that a route can have."""

    TENANT = "/api/v1"
    COLLECTIVE = "/collectives/{handle}/api/v1"
    WORKSPACE = "/workspace/{handle}/api/v1"


class ObjectResponse(Generic[T], Response):  # Generic first: Response ignores its arguments
    """A successful response with an object. The OpenAPI document is built from its type."""

    def __init__(self, data: T, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(data, headers=headers)


class ListResponse(ObjectResponse[list[T]]):
    """A successful response with an array of objects."""


class Message(TypedDict):
    """The result of a request that returns no object."""

    message: Annotated[str, Doc(example="Note deleted")]
    dry_run: NotRequired[DryRun]


class Resource(ViewSet):
    """Base class of the viewsets. The access middleware enforces `rule` before dispatch."""

    rule: ClassVar[Rule]
    # The binding of each function that writes, by the function's name.
    writes: ClassVar[Mapping[str, RestBinding[Any]]] = {}
    # The model of the resource's items.
    model: ClassVar[type[models.Model] | None] = None
    # Members of responses to writes that are not part of the object.
    beside: ClassVar[Collection[str]] = ()
    # Query parameters of `retrieve`, in addition to `include`.
    query: ClassVar[Collection[str]] = ()
    renderer_classes = (Json,)

    @property
    def access(self) -> Access:
        return access_of(self.request)

    def perform(
        self,
        binding: RestBinding[T],
        find: Find[T],
        *,
        raw: RawParams | Refused | None = None,
        place: str = "",
    ) -> Outcome:
        """Perform an action with the parameters of the request, or with `raw` if they were read.

        Raises:
            Refused: nothing was written.
        """
        raw = read_params_of(binding, self.request) if raw is None else raw
        return carry_out(binding, self.request, self.access, raw, find, self.shown, place)

    def shown(self, access: Access, target: Any) -> Any:
        """Return an item as `retrieve` returns it without parameters."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = cast(Callable[..., HttpResponse], super().dispatch)
        respond = partial(answer, request, *args, **kwargs)
        if is_dry_run(request):
            return run_and_roll_back(respond)
        if request.method == "POST" and HEADER in request.headers:
            assert has_access(request)
            return once(request, respond)
        return respond()

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {}

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers={"Allow": self.allowed})

    @property
    def allowed(self) -> str:
        return ", ".join(sorted(self.allowed_methods))

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        raise method_not_allowed(
            self.allowed, f"{request.method} is not offered here", f"Allowed here: {self.allowed}."
        )

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = self._unless_unknown(request, response)
        final = super().finalize_response(request, answer, *args, **kwargs)
        if not final.has_header("Cache-Control"):
            keep_private(final)
        add_entity_tag(request, final, self.beside)
        return final

    def _unless_unknown(self, request: Request, response: Response) -> Response:
        """Return the response, or an error if a read has unknown query parameters.

        This check is the last one, so that a missing object is reported as 404.
        """
        if self.action != "retrieve" or response.status_code != 200:
            return response
        try:
            refuse_unknown(request.query_params, self.query)
        except Invalid as invalid:
            return self.handle_exception(invalid)
        return response


@dataclass(frozen=True, eq=False, kw_only=True)
class RoutedResource(RoutedView):
    """The view of a resource's route, with the function of the resource for each method."""

    resource: type[Resource]
    functions: Mapping[str, str]
    # As REST framework marks its views. The API does not use cookies.
    csrf_exempt: bool = True


def route(where: str, resource: type[Resource], name: str = "", **methods: str) -> URLPattern:
    """Return the route of a resource; `methods` maps each method to a function's name."""
    writes = {
        method.upper(): resource.writes[function].action
        for method, function in methods.items()
        if method.upper() not in SAFE
    }
    registry.site.add_routed(writes.values())
    view = resource.as_view(dict(methods))
    served = RoutedResource(
        view, resource.rule, writes=writes, resource=resource, functions=methods
    )
    return path(where, served, name=name or None)


def access_of(request: Request) -> Access:
    """Return the access that the middleware decided for a request."""
    return request_of(request).access


def listed_keys(request: Request) -> list[str]:
    """Return the keys of the objects in the requested list."""
    resource = request.parser_context["view"]
    return _keys_of(getattr(type(resource), resource.action))


@cache
def _keys_of(function: Callable[..., Any]) -> list[str]:
    """Return the keys that the return type of a list function declares."""
    (annotated,) = get_args(get_type_hints(function)["return"])
    return list(get_type_hints(annotated))


def request_of(request: Request) -> AccessRequest:
    """Return the Django request behind a request of REST framework."""
    passed = request._request
    assert has_access(passed)
    return passed


def created(request: Request, shown: T, path: str) -> ObjectResponse[T]:
    """Return the response with a new object, and its API URL as Location."""
    return ObjectResponse(shown, headers={"Location": f"{origin_of(request)}{path}"})


def mark_secret(response: ObjectResponse[T], token_id: object = None) -> ObjectResponse[T]:
    """Mark a response that contains the plaintext of a token, so that it is never stored.

    `token_id` is the ID of that token. By default the object itself is the token.
    """
    keep_private(response, holds_secret=True)
    show_once(response, ShownOnce(response.data["token"], str(token_id or response.data["id"])))
    return response
