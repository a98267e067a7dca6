"""The action that searches, for programs that run actions instead of opening pages."""

from __future__ import annotations

from urllib.parse import quote

from collectives.search.language.grammar import Q_LENGTH
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome
from harmonic.kernel.capabilities import ALWAYS
from harmonic.kernel.parameters.fields import Line, Params
from harmonic.kernel.refusals import Denied, Proof
from harmonic.kernel.registry import path_to
from harmonic.kernel.scopes import Scope

PATH = "search.results"


class SearchParams(Params):
    q = Line(
        max_length=Q_LENGTH,
        help_text='Words, "a phrase", -excluded, and operators such as type:note. /help/search'
        " lists them.",
        example="quince type:note",
    )


def anyone(access: Access, target: object) -> Denied | None:
    """Allow everyone: the results contain only what the caller may read."""
    return None


def _search(access: Access, target: object, *, q: str) -> Outcome:
    path = f"{path_to(PATH)}?q={quote(q, safe='')}"
    return Outcome("The results are on the search page.", path, facts=None, is_redirect=True)


search: Action[object] = Action(
    name="search",
    sentence="Search everything that you can read.",
    label="Search",
    scope=Scope("read:all"),
    grant=ALWAYS,
    proof=Proof.NONE,
    changes_access=False,
    emits="",
    params=SearchParams,
    policy=anyone,
    effect=_search,
    audience="private",
)
