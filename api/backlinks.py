"""Items of any kind that objects include because they are linked: `include=backlinks`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from rest_framework.request import Request
from typing_extensions import TypedDict

from api.kinds import json_of_kinds
from api.responses.schema import Doc, Id, OneOf, ShortId, Timestamp, Url
from api.views import access_of
from collectives.items import kinds
from collectives.items.queries import NEWEST
from collectives.links.queries import backlinks_among

BACKLINKS = "backlinks"


class LinkedItemJson(TypedDict):
    """A linked item: the object of its kind with its `item_type`. The common members are these."""

    item_type: Annotated[str, OneOf("ItemType", (kind.name for kind in kinds.all_kinds()))]
    id: Id
    truncated_id: ShortId
    subtype: Annotated[str, Doc(example="text")]
    created_at: Timestamp
    updated_at: Timestamp
    created_by_id: Id
    updated_by_id: Id
    collective_id: Id
    path: Annotated[str, Doc("Its page.", example="/collectives/kitchen/n/3f0c7a52")]
    url: Annotated[Url, Doc(example="http://garden.localhost:8000/collectives/kitchen/n/3f0c7a52")]


Backlinks = Annotated[
    list[LinkedItemJson],
    Doc("The items that link here, newest link first, with `include=backlinks`."),
]


@dataclass(frozen=True, slots=True)
class IncludedBacklinks:
    """Backlinks by item, and the items with further ones."""

    found: Mapping[UUID, list[LinkedItemJson]]
    incomplete: frozenset[UUID]


def included_backlinks(request: Request, item_ids: Iterable[UUID]) -> IncludedBacklinks:
    """Return what links to several items, with one statement and one read for each kind."""
    linking = backlinks_among(access_of(request), list(item_ids))
    written = linked_items(request, linking.kinds)
    found = {
        target: [written[source] for source in sources if source in written]
        for target, sources in linking.sources.items()
    }
    return IncludedBacklinks(found, linking.incomplete)


def linked_items(request: Request, kinds_by_id: Mapping[UUID, str]) -> dict[UUID, LinkedItemJson]:
    """Return the JSON of items of any kind, in their order, with one read for each kind."""
    written: dict[UUID, Any] = {}
    for json in json_of_kinds():
        ids = [item_id for item_id, kind in kinds_by_id.items() if kind == json.kind.name]
        if ids:
            rows = json.queries.by_id(ids, NEWEST)
            for row, shown in zip(rows, json.write(request, rows), strict=True):
                written[row.id] = {"item_type": json.kind.name, **shown}
    return {item_id: written[item_id] for item_id in kinds_by_id if item_id in written}
