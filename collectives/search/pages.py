"""The page of searches."""

from __future__ import annotations

from django.urls import URLPattern

from collectives.search.actions import PATH, search
from collectives.search.language.grammar import Q_LENGTH
from collectives.search.showing import Results, as_json, show
from harmonic.kernel.access import Access
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.navigation import Menu, NavEntry
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page
from harmonic.kernel.parameters.wording import reason
from harmonic.kernel.rendering.documents import Document


def results_of(access: Access) -> Results:
    return Results(access)


def refused(access: Access, results: Results) -> Document | None:
    """Return the page with the search as typed if it is refused, or None.

    Raises:
        Invalid: the search is refused, and the format is not HTML.
    """
    invalid = results.asked.refused
    if invalid is None:
        return None
    if access.format != Format.HTML:
        raise invalid
    return Document(
        title="Search",
        template="search/results.html",
        context={
            "q": results.asked.q,
            "q_length": Q_LENGTH,
            "error": " ".join(f"The search {reason(each)}." for each in invalid.problems),
        },
        status=invalid.status,
        error=invalid.message,
        code=invalid.code,
    )


RESULTS: Page[Results] = Page(
    name=PATH,
    template="search/results.html",
    title=lambda access, results: "Search",
    find=results_of,
    show=show,
    narrowed=refused,
    query=lambda access, results: results.asked.q.strip(),
    fields=lambda context: {"path": context["path"]},
    json=as_json,
    actions=(search,),
    nav=(NavEntry(menu=Menu.SITE, order=2, label="Search", icon="search"),),
)


def urls() -> list[URLPattern]:
    return mount("search", RESULTS)
