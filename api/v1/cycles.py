"""The resource of cycles: periods of time, with the items that belong to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, NotRequired
from uuid import UUID

from django.http import HttpRequest
from django.urls import URLPattern
from rest_framework.request import Request
from typing_extensions import TypedDict

from api.backlinks import BACKLINKS, LinkedItemJson, linked_items
from api.http.paging import MAX_LIMIT, query, url_after
from api.kinds import KindJson, json_of_kinds
from api.operations import Operation
from api.responses.schema import Count, Doc, OneOf, Url
from api.views import Base, ListResponse, ObjectResponse, Resource, access_of, route
from collectives.cycles import queries
from collectives.cycles.filters import MAX_LENGTH, Filters, parse_filters
from collectives.cycles.ordering import KEYS, Sort, parse_sort
from collectives.cycles.queries import Listed, Selected, cycle_here
from collectives.cycles.windows import Cycle, Unit, current_cycle
from collectives.items.kind_queries import Size, fit_bytes
from collectives.items.queries import LIST_BYTES, NEWEST
from collectives.links.queries import linked_from
from harmonic.kernel.access import AccessLevel, Place, Rule
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.refusals import Forbidden, NotFound

BASES = Base
KINDS_JSON = json_of_kinds()
INCLUDES = (*(each.kind.plural for each in KINDS_JSON), BACKLINKS)
NOT_FOUND = "Cycle not found"
CycleName = Annotated[str, Doc("The name of the cycle.", example="this-week")]


class CycleParams(Params):
    """The filters and the order of the items in cycles."""

    filters = Line(
        required=False,
        allow_blank=True,
        max_length=MAX_LENGTH,
        help_text="Comma-separated filters that must all match, such as mine,open. Filters that are"
        " unknown or meaningless in the cycle are ignored.",
    )
    sort_by = Line(
        required=False,
        allow_blank=True,
        help_text=f"The sort order: a key and -asc or -desc. Keys: {', '.join(KEYS)}."
        " Default: created_at-desc.",
    )


# --- JSON -----------------------------------------------------------------------------------

LocalTime = Annotated[
    str,
    Doc(
        "In the timezone of the collective.",
        format="date-time",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$",
        example="2026-05-11T00:00:00.000-04:00",
    ),
]


def _typed(name: str, sentence: str, members: Mapping[str, Any]) -> Any:
    """Return the type of an object with a member for each kind of item."""
    typed: Any = TypedDict(name, dict(members))  # type: ignore[misc]  # not known to mypy
    typed.__doc__ = sentence
    return typed


if TYPE_CHECKING:
    CycleJson = dict[str, Any]
else:
    CycleCountsJson = _typed(
        "CycleCountsJson",
        "The numbers of items in a cycle that match the filters.",
        {each.kind.plural: Count for each in KINDS_JSON},
    )
    CycleNextJson = _typed(
        "CycleNextJson",
        "The URLs of the lists that continue arrays.",
        {each.kind.plural: NotRequired[Url] for each in KINDS_JSON},
    )
    CycleJson = _typed(
        "CycleJson",
        "A period of time, and the items that belong to it.",
        {
            "name": Annotated[str, Doc(example="this-week")],
            "display_name": Annotated[str, Doc("The name in words.", example="This Week")],
            "time_window": Annotated[
                str, Doc("The days in words.", example="May 11 - May 18, 2026")
            ],
            "unit": Annotated[str, OneOf("CycleUnit", Unit)],
            "start_date": LocalTime,
            "end_date": Annotated[LocalTime, Doc("The start of the next cycle.")],
            "counts": CycleCountsJson,
            **{
                each.kind.plural: NotRequired[
                    Annotated[list[each.shape], Doc(f"At most {queries.LISTED}.")]
                ]
                for each in KINDS_JSON
            },
            BACKLINKS: NotRequired[
                Annotated[
                    list[LinkedItemJson],
                    Doc(
                        "The items that the items of the cycle link to, latest link first."
                        f" At most {queries.LISTED}."
                    ),
                ]
            ],
            "next": NotRequired[
                Annotated[CycleNextJson, Doc("For truncated arrays. Absent if all are complete.")]
            ],
        },
    )


def local_time(moment: datetime, cycle: Cycle) -> str:
    """Return a time in the timezone of a cycle with milliseconds, in UTC with `Z`."""
    local = moment.astimezone(cycle.zone)
    text = local.isoformat(timespec="milliseconds")
    return f"{text.removesuffix('+00:00')}Z" if local.tzname() == UTC.tzname(None) else text


# --- Reading --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CycleWriter:
    """Builds the JSON of several cycles, with the rows of all read together."""

    request: Request
    cycles: Sequence[Cycle]
    params: Mapping[str, Any]

    @property
    def place(self) -> Place:
        return access_of(self.request).required_place

    @property
    def sort(self) -> Sort:
        return parse_sort(self.params.get("sort_by", ""))

    @cached_property
    def parsed(self) -> list[Filters]:
        """The filters of each cycle."""
        access, text = access_of(self.request), self.params.get("filters", "")
        return [parse_filters(access, text, cycle) for cycle in self.cycles]

    @cached_property
    def selected(self) -> list[Selected]:
        pairs = zip(self.cycles, self.parsed, strict=True)
        return [Selected(cycle, parsed.condition) for cycle, parsed in pairs]

    def counted(self) -> list[CycleJson]:
        """Return the JSON of the cycles without arrays."""
        counts = queries.counts(self.place.id, self.selected)
        return [_facts(*each) for each in zip(self.cycles, counts, strict=True)]

    def whole(self, includes: Collection[str]) -> list[CycleJson]:
        """Return the JSON of the cycles with some of their arrays."""
        found = [queries.lists(self.place.id, each, self.sort) for each in self.selected]
        counts = [{name: listed.total for name, listed in each.items()} for each in found]
        arrays = [
            self._arrays(*each, includes)
            for each in zip(self.cycles, self.parsed, self._with_sizes(found), counts, strict=True)
        ]
        written = self._written([array for each in arrays for array in each])
        return [
            {
                **_facts(cycle, count),
                **{
                    array.key: [written[item] for item in array.ids if item in written]
                    for array in shown
                },
                **linked,
                **_next(shown),
            }
            for cycle, count, shown, linked in zip(
                self.cycles, counts, arrays, self._backlinks(includes), strict=True
            )
        ]

    def _backlinks(self, includes: Collection[str]) -> list[dict[str, Any]]:
        """Return the array of linked items of each cycle, if it is included."""
        if BACKLINKS not in includes:
            return [{} for _ in self.cycles]
        access = access_of(self.request)
        found = [
            linked_from(access, queries.items_of(self.place.id, each), queries.LISTED)
            for each in self.selected
        ]
        written = linked_items(
            self.request, {item: kind for each in found for item, kind in each.items()}
        )
        return [{BACKLINKS: [written[item] for item in each if item in written]} for each in found]

    def _with_sizes(self, found: Sequence[Mapping[str, Listed]]) -> list[dict[str, list[Size]]]:
        """Add the sizes of their texts to the items of all cycles."""
        lists = [listed for each in found for listed in each.values()]
        sizes = queries.sizes({item for listed in lists for _, item in listed.places})
        return [
            {
                name: [Size(item, at, sizes.get(item, 0)) for at, item in listed.places]
                for name, listed in each.items()
            }
            for each in found
        ]

    def _arrays(
        self,
        cycle: Cycle,
        parsed: Filters,
        found: Mapping[str, Sequence[Size]],
        counts: Mapping[str, int],
        includes: Collection[str],
    ) -> list[Array]:
        """Return the included arrays of a cycle, each limited to a share of the response's size."""
        arrays = []
        for json in KINDS_JSON:
            if json.kind.plural in includes:
                shown = fit_bytes(found[json.kind.name], LIST_BYTES // len(self.cycles))
                is_cut = len(shown) < counts[json.kind.name]
                url = self._url_after(json, cycle, parsed, shown) if is_cut else ""
                arrays.append(Array(json, [size.id for size in shown], url))
        return arrays

    def _url_after(
        self, json: KindJson[Any], cycle: Cycle, parsed: Filters, shown: Sequence[Size]
    ) -> str:
        """Return the URL of the list that continues an array.

        Lists can only be ordered by time. For other orders the URL begins at the first item.
        """
        asked = {
            **json.whole,
            "cycle": cycle.name,
            "filters": ",".join(parsed.with_effect),
            "sort_by": self.sort.name if self.sort.is_by_time else "",
            "limit": str(MAX_LIMIT),
        }
        given = {name: value for name, value in asked.items() if value}
        position = shown[-1].position if self.sort.is_by_time else None
        path = f"{self.place.path}/api/v1/{json.kind.plural}"
        return url_after(self.request, path, given, position)

    def _written(self, arrays: Sequence[Array]) -> dict[UUID, Any]:
        """Return the JSON of the items of all arrays, with one query for each kind."""
        written: dict[UUID, Any] = {}
        for json in KINDS_JSON:
            ids = dict.fromkeys(
                item for array in arrays if array.json is json for item in array.ids
            )
            if ids:
                rows = json.queries.by_id(ids, NEWEST)
                objects = json.write(self.request, rows)
                written |= {row.id: shown for row, shown in zip(rows, objects, strict=True)}
        return written


@dataclass(frozen=True, slots=True)
class Array:
    """An array of a cycle: the IDs of its items, and the URL that continues it, or ""."""

    json: KindJson[Any]
    ids: Sequence[UUID]
    following: str

    @property
    def key(self) -> str:
        return self.json.kind.plural


def _facts(cycle: Cycle, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": cycle.name,
        "display_name": cycle.display_name,
        "time_window": cycle.time_window,
        "unit": cycle.unit.value,
        "start_date": local_time(cycle.start, cycle),
        "end_date": local_time(cycle.end, cycle),
        "counts": {json.kind.plural: counts[json.kind.name] for json in KINDS_JSON},
    }


def _next(arrays: Sequence[Array]) -> dict[str, Any]:
    urls = {array.key: array.following for array in arrays if array.following}
    return {"next": urls} if urls else {}


# --- Resource -------------------------------------------------------------------------------


class Cycles(Resource):
    rule = Rule(AccessLevel.COLLECTIVE, resource="cycles")
    query = ("filters", "sort_by")

    @Operation("list_cycles", query=CycleParams, includes=INCLUDES, example="include=notes")
    def list(self, request: Request) -> ListResponse[CycleJson]:
        """List the current day, week, month and year."""
        params = query(CycleParams, request)
        zone = queries.zone_here(self.access)
        cycles = [current_cycle(unit, self.access.now, zone) for unit in Unit]
        writer = CycleWriter(request, cycles, params)
        asked = ",".join(request.query_params.getlist("include")).split(",")
        includes = {name.strip() for name in asked} & set(INCLUDES)
        return ListResponse(writer.whole(includes) if includes else writer.counted())

    @Operation("read_cycle", query=CycleParams)
    def retrieve(self, request: Request, cycle_id: CycleName) -> ObjectResponse[CycleJson]:
        """Retrieve a cycle with its items."""
        cycle = cycle_here(self.access, cycle_id)
        if cycle is None:
            raise NotFound(NOT_FOUND)
        (shown,) = CycleWriter(request, [cycle], query(CycleParams, request)).whole(INCLUDES)
        return ObjectResponse(shown)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        """Respond as for an unknown object, because cycles cannot be written (rest §1.9).

        Raises:
            NotFound: always.
            Forbidden: the caller is an agent, for which no capability allows it.
        """
        actor = self.access.user
        if actor.is_agent:
            route = f"{request.method} {self.access.path}"
            raise Forbidden(
                f"Your capabilities do not include 'unmapped_write:{route}'",
                hint="Cycles cannot be created, changed or deleted.",
                code="capability_denied",
            )
        raise NotFound


def urls() -> list[URLPattern]:
    return [
        route("api/v1/cycles", Cycles, get="list"),
        route("api/v1/cycles/<str:cycle_id>", Cycles, "api.cycle", get="retrieve"),
    ]
