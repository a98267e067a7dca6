"""The page of a cycle: its items in groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from accounts.queries import People, Person, people
from collectives.cycles import queries
from collectives.cycles.filters import MAX_LENGTH, parse_filters
from collectives.cycles.ordering import BY_KIND, Group, Sort, grouped, parse_group, parse_sort
from collectives.cycles.queries import Selected
from collectives.cycles.windows import Cycle
from collectives.items import kinds
from collectives.items.models import Item
from harmonic.kernel.access import Access
from harmonic.kernel.http.numbered import numbered
from harmonic.kernel.registry import path_to
from harmonic.kernel.rendering.text import preview

# The number of items of a kind on the page. The rest is on pages of that kind.
PAGE = 50
TITLE_SHOWN = 100
# A deadline beyond this means that there is none.
NO_DEADLINE = timedelta(days=365 * 50)
PARAMETERS = ("filters", "sort_by", "group_by", "type")


@dataclass(frozen=True, slots=True)
class Row:
    """An item in a cycle."""

    kind: str
    title: str
    path: str
    author: Person
    created_at: datetime
    # None if there is no deadline.
    deadline: datetime | None
    # Days from creation to deadline.
    days: int


@dataclass(frozen=True, slots=True)
class Section:
    """A group with its heading. `more_href` links to all of its items if it is truncated."""

    heading: str
    rows: Sequence[Row]
    total: int | None = None
    more_href: str = ""
    empty: str = ""


@dataclass(frozen=True)
class View:
    """The items that the query string selects: their kind, order and groups."""

    access: Access
    cycle: Cycle

    def asked(self, name: str) -> str:
        return self.access.query.get(name, "")[:MAX_LENGTH]

    @property
    def sort(self) -> Sort:
        return parse_sort(self.asked("sort_by"))

    @property
    def group(self) -> str:
        return parse_group(self.asked("group_by"))

    @property
    def kind(self) -> kinds.Kind | None:
        asked = self.asked("type").lower()
        return next((kind for kind in kinds.all_kinds() if asked == kind.name.lower()), None)

    def href(self, **changed: str) -> str:
        """Return the path of this page with other parameters."""
        asked = {name: self.asked(name) for name in PARAMETERS} | changed
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{self.access.path}?{query}" if query else self.access.path


def show(access: Access, cycle: Cycle) -> Mapping[str, Any]:
    view = View(access, cycle)
    parsed = parse_filters(access, view.asked("filters"), cycle)
    selected = Selected(cycle, parsed.condition)
    (totals,) = queries.counts(access.required_place.id, [selected])
    is_whole = view.group == BY_KIND and view.kind is None
    page = None if is_whole else _page(view, selected)
    sections = _by_kind(view, selected, totals) if page is None else _groups(view, page)
    return {
        "cycle": cycle,
        "sections": sections,
        "page": page,
        "page_query": view.href().partition("?")[2],
        "totals": [(_heading(kind), totals[kind.name]) for kind in kinds.all_kinds()],
        "without_effect": parsed.without_effect,
        "previous_href": _neighbour(access, cycle.previous),
        "next_href": _neighbour(access, cycle.next),
        "index_path": path_to("cycles.index", access.required_place.path),
        "choices": _choices(view),
        "is_narrowed": bool(access.query),
        "whole_path": access.path,
    }


def _neighbour(access: Access, name: str) -> str:
    return path_to("cycles.show", access.required_place.path, cycle_name=name) if name else ""


def _heading(kind: kinds.Kind) -> str:
    return kind.plural.capitalize()


# --- Sections -------------------------------------------------------------------------------


def _by_kind(view: View, selected: Selected, totals: Mapping[str, int]) -> list[Section]:
    """Return a section for each kind, including empty ones."""
    here = view.access.required_place.id
    shown = {
        kind: list(queries.shown_items(here, selected, view.sort, kind)[:PAGE])
        if totals[kind.name]
        else []
        for kind in kinds.all_kinds()
    }
    known = _authors(item for items in shown.values() for item in items)
    return [
        Section(
            _heading(kind),
            [_row(view, item, known) for item in items],
            totals[kind.name],
            view.href(type=kind.name.lower()) if totals[kind.name] > len(items) else "",
            f"No {kind.plural} in this cycle.",
        )
        for kind, items in shown.items()
    ]


def _page(view: View, selected: Selected) -> Any:
    here = view.access.required_place.id
    items = queries.shown_items(here, selected, view.sort, view.kind, number=view.group)
    return numbered(items, view.access, PAGE)


def _groups(view: View, page: Any) -> list[Section]:
    """Return the sections of a page of items."""
    items = list(page.object_list)
    known = _authors(items)
    groups = grouped(items, view.group, view.cycle, view.access.now)
    return [
        Section(_name_of(view, group, known), [_row(view, item, known) for item in group.items])
        for group in groups
    ] or [Section("Items", [], empty="No items in this cycle.")]


def _name_of(view: View, group: Group, known: People) -> str:
    """Return the heading of a group: the plural of a kind, a name, or the key as text."""
    first = group.items[0]
    if view.group == BY_KIND:
        return _heading(kinds.kind_named(first.kind))
    if view.group.endswith("_by_id"):
        return known[getattr(first, view.group)].name
    words = view.group.replace("_", " ").capitalize()
    return f"{words}: {preview(str(group.key), TITLE_SHOWN)}"


def _authors(items: Iterable[Item]) -> People:
    return people({each for item in items for each in (item.created_by_id, item.updated_by_id)})


def _row(view: View, item: Item, known: People) -> Row:
    life = item.deadline - item.created_at
    return Row(
        kind=item.kind,
        title=preview(item.shown_title, TITLE_SHOWN),
        path=item.path_in(view.access.required_place.path),
        author=known[item.created_by_id],
        created_at=item.created_at,
        deadline=None if life > NO_DEADLINE else item.deadline,
        days=life.days,
    )


# --- Choices --------------------------------------------------------------------------------

# The choices in the form. The query string supports all values.
_FILTERS = {
    "": "All items",
    "mine": "Mine",
    "not_mine": "Not mine",
    "open": "Open",
    "closed": "Closed",
    "closing_soon": "Closing soon",
    "updated": "Edited",
}
_SORTS = {
    "created_at-desc": "Newest first",
    "created_at-asc": "Oldest first",
    "updated_at-desc": "Recently updated",
    "deadline-asc": "Deadline",
    "title-asc": "Title",
}
_GROUPS = {
    BY_KIND: "Kind",
    "status": "Status",
    "created_by_id": "Author",
    "date_created": "Day created",
    "week_created": "Week created",
    "days_until_deadline": "Days until deadline",
}


def _choices(view: View) -> list[tuple[str, str, str, Mapping[str, str]]]:
    """Return the fields of the form: name, label, current value, labels of the values."""
    current = {
        "filters": view.asked("filters"),
        "sort_by": view.sort.name,
        "group_by": view.group,
    }
    fields = (("filters", "Show", _FILTERS), ("sort_by", "Sort", _SORTS))
    return [
        (name, label, current[name], {**options, **_other(options, current[name])})
        for name, label, options in (*fields, ("group_by", "Group", _GROUPS))
    ]


def _other(options: Mapping[str, str], value: str) -> dict[str, str]:
    """Return the current value as an additional choice if the form does not have it."""
    return {} if value in options else {value: value.replace("_", " ")}
