"""Shared by the resources of all kinds of items: their JSON, lists and routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Annotated, Any, Generic, TypeVar

from django.urls import URLPattern, reverse
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.http.filters import order_of, sort_field
from api.http.paging import PageParams, page_from, query
from api.responses.schema import Doc, Id, ShortId, Timestamp
from api.responses.timestamps import format_timestamp
from api.views import ListResponse, ObjectResponse, Resource, access_of, created, route
from collectives.items import kinds
from collectives.items.kind_queries import KindQueries
from collectives.items.models import Item
from collectives.items.registry import KINDS

M = TypeVar("M", bound=Item)
T = TypeVar("T")

LIMIT = 50
NEWEST = "created_at-desc"
ItemId = Annotated[str, Doc("The item's UUID, or its first eight characters.", example="3f0c7a52")]


class ItemListParams(PageParams):
    sort_by = sort_field("created_at", "updated_at", usual=NEWEST)


class ItemJson(TypedDict):
    """The members that all items have."""

    id: Id
    truncated_id: ShortId
    title: Annotated[str, Doc("The title.", example="Knives")]
    created_at: Timestamp
    updated_at: Timestamp
    created_by_id: Id


def item_json(item: Item) -> ItemJson:
    return {
        "id": str(item.id),
        "truncated_id": item.truncated_id,
        "title": item.title,
        "created_at": format_timestamp(item.created_at),
        "updated_at": format_timestamp(item.updated_at),
        "created_by_id": str(item.created_by_id),
    }


def list_of_items(
    request: Request, queries: KindQueries[M], write: Callable[[M], T]
) -> ListResponse[T]:
    """Return a page of the collective's items of one kind, filtered by `ItemListParams`."""
    params = query(ItemListParams, request)
    wanted = {"collective": access_of(request).required_place.id}
    fetch, count = partial(queries.listed, wanted), partial(queries.count_matching, wanted)
    page = page_from(fetch, count, order_of(params, NEWEST), request, params, LIMIT)
    return page.response([write(each) for each in page.rows])


def new_item(request: Request, item: Item, shown: T) -> ObjectResponse[T]:
    """Return the response to a request that created an item, with its Location."""
    place = reverse(f"api.{item.KIND.lower()}", args=[item.id])
    return created(request, shown, f"{access_of(request).required_place.path}{place}")


def kind_urls(view: type[Resource], kind: str) -> list[URLPattern]:
    """Return the routes of a kind's resource, for the functions that it defines."""
    base = f"api/v1/{kind}s"
    return [
        route(base, view, **_methods(view, get="list", post="create")),
        route(
            f"{base}/<str:item_id>",
            view,
            f"api.{kind}",
            **_methods(view, get="retrieve", put="update", patch="update", delete="destroy"),
        ),
    ]


def _methods(view: type[Resource], **methods: str) -> dict[str, str]:
    return {method: name for method, name in methods.items() if hasattr(view, name)}


# --- Items in other objects -----------------------------------------------------------------


@dataclass(frozen=True)
class KindJson(Generic[M]):
    """The JSON of items of one kind in objects that include items of any kind.

    `shape` is the `TypedDict` of an item without includes, and `write` returns such objects for
    items of `queries`. `whole` are the parameters with which the list of the kind has all items.
    """

    queries: KindQueries[M]
    shape: Any
    write: Callable[[Request, Sequence[M]], list[Any]]
    whole: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> kinds.Kind:
        return kinds.kind_named(self.queries.model.KIND)


_JSON: dict[str, KindJson[Any]] = {}


def register_json(json: KindJson[Any]) -> None:
    """Register the JSON of a kind. Call this next to the function that writes it."""
    _JSON[json.kind.name] = json


def json_of_kinds() -> tuple[KindJson[Any], ...]:
    """Return the JSON of the items of each kind. By default they have the common members."""
    for name in _modules():
        import_module(name)
    return tuple(_JSON.get(kind.name) or _common(kind) for kind in kinds.all_kinds())


def _common(kind: kinds.Kind) -> KindJson[Any]:
    def write(request: Request, items: Sequence[Item]) -> list[ItemJson]:
        return [item_json(item) for item in items]

    return KindJson(KindQueries(kind.model), ItemJson, write)


def _modules() -> Iterator[str]:
    """Yield the modules of the resources of all kinds."""
    for kind in KINDS:
        module: Any = import_module(f"api.v1.{kind}")
        yield module.__name__
        below = walk_packages(getattr(module, "__path__", ()), f"{module.__name__}.")
        yield from (found.name for found in below)
