"""Pages: one definition for the HTML, the Markdown and the action endpoints of a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve
from django.urls.exceptions import Resolver404

from harmonic.kernel import registry
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.actions import Action, ResourceRef, Secret
from harmonic.kernel.http.methods import READS, method_not_allowed
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.navigation import NavEntry
from harmonic.kernel.parameters.wording import did_you_mean
from harmonic.kernel.refusals import FreshProofRequired, Invalid, Link, NotFound, Refused
from harmonic.kernel.rendering.documents import (
    Document,
    Offer,
    RefusedForm,
    described_params,
    keep_private,
)

View = Callable[..., HttpResponse]


def no_crumbs(access: Access, target: object) -> Sequence[Link]:
    return ()


def no_guard(access: Access, target: object) -> None:
    return None


def no_notice(access: Access, query: Mapping[str, str], **arguments: str) -> str:
    return ""


def no_resource(access: Access, target: object) -> None:
    return None


def no_version(access: Access, target: object) -> tuple[object, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Redirection:
    """Another page to which a page leads, with a notice that browsers show there."""

    path: str
    notice: str


def never_narrowed(access: Access, target: object) -> None:
    return None


def no_fields(context: Mapping[str, Any]) -> Mapping[str, str]:
    return {}


def no_json(access: Access, target: object) -> None:
    return None


T = TypeVar("T")


def none_found(access: Access) -> Any:
    """Return None: the target of a page that has none."""


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """A page of the site; `T` is the type of its target.

    `find` returns the target, through the rule that lets the caller see it; its arguments are
    those of the route. `show` returns the template's context. `fresh` is the step-up scope that a
    session must have verified to open the page.
    """

    name: str
    template: str
    title: Callable[[Access, T], str]
    show: Callable[[Access, T], Mapping[str, Any]]
    # The `<h1>` of the HTML page where it differs from the title.
    heading: Callable[[Access, T], str] = lambda access, target: ""
    find: Callable[..., T] = none_found
    actions: tuple[Action[T], ...] = ()
    access_level: AccessLevel = AccessLevel.TENANT
    resource: str | None = None
    fresh: str = ""
    # Refuses callers who may see the target, but not this page about it.
    guard: Callable[[Access, T], None] = no_guard
    # The target as the responses of the page's actions name it.
    about: Callable[[Access, T], ResourceRef | None] = no_resource
    # The state of the target for `If-Match`, the same on all pages about it. If it is empty, the
    # tag stands for everything that the page shows.
    version: Callable[[Access, T], tuple[object, ...]] = no_version
    # Forms of public clients post to the page's own path: the action of each method.
    writes: Mapping[str, Action[T]] = field(default_factory=dict)
    scope: Callable[[Access, T], str] = field(default=lambda access, target: "")
    # The search that the page shows the results of, for its frontmatter.
    query: Callable[[Access, T], str] = field(default=lambda access, target: "")
    # Another document instead of the page, if the query string asks for a part of it.
    narrowed: Callable[[Access, T], Document | Redirection | None] = never_narrowed
    # More keys of the frontmatter, made from the context of the template.
    fields: Callable[[Mapping[str, Any]], Mapping[str, str]] = no_fields
    # The pages above this one, from the top.
    crumbs: Callable[[Access, T], Sequence[Link]] = no_crumbs
    # What the sign-in page shows above its form to visitors on the way to this page. Takes the
    # parameters of the query, and those of the route as keyword arguments.
    sign_in_notice: Callable[..., str] = no_notice
    # Its entries in the menus of HTML pages.
    nav: tuple[NavEntry, ...] = ()
    # The page as a JSON object, if it has one.
    json: Callable[[Access, T], Mapping[str, Any] | None] = no_json
    # Refusals, besides invalid input, after which a form shows again what was typed.
    keeps_input_of: tuple[type[Refused], ...] = ()

    @property
    def rule(self) -> Rule:
        return Rule(self.access_level, self.resource)

    def action(self, name: str) -> Action[T] | None:
        return next((action for action in self.actions if action.name == name), None)

    def keeps(self, refused: Refused) -> bool:
        """Return whether a refused form is shown again with what was typed."""
        return isinstance(refused, (Invalid, *self.keeps_input_of))

    def found(self, access: Access, kwargs: Mapping[str, Any]) -> T:
        """Return the page's target.

        Raises:
            Refused: the target does not exist or is hidden from the caller, or the proof is stale.
        """
        target = self.find(access, **kwargs)
        self.guard(access, target)
        if self.fresh and not access.is_fresh(self.fresh):
            raise FreshProofRequired(self.fresh)
        return target

    def offers(self, access: Access, target: T, base: str) -> tuple[Offer, ...]:
        """Return the actions that the caller may run here, in declaration order."""
        return tuple(
            offered(access, action, target, base)
            for action in self.actions
            if action.is_listed(access, target)
        )

    def reason_for_no_actions(self, access: Access, target: T) -> str:
        """Return in one line why the caller can do nothing on this page; "" on public pages.

        The line names no action, since the caller may run none.
        """
        if access.actor is None or self.access_level == AccessLevel.PUBLIC:
            return ""
        if not self.actions:
            return "This page has no actions."
        allowed = [
            action
            for action in self.actions
            if action.token_allows(access)
            # Reading actions need no more than the page, and apply to some targets only.
            and (not action.is_read or action.is_offered(access, target))
        ]
        if not allowed:
            return f"No actions here: the token lacks the scope {self.actions[0].scope}."
        if all(action.capability_denied(access) for action in allowed):
            return "No actions here: your capabilities include none of them."
        for action in allowed:
            if denied := action.kind_denied(access) or action.policy(access, target):
                return f"No actions here: {denied.reason}"
        return "No actions here at the moment."

    def document(
        self,
        access: Access,
        target: T,
        base: str,
        secret: Secret | None = None,
        notes: tuple[str, ...] = (),
        refused: RefusedForm | None = None,
    ) -> Document:
        offers = self.offers(access, target, base)
        shown = self.show(access, target)
        return Document(
            title=self.title(access, target),
            heading=self.heading(access, target),
            template=self.template,
            context={
                "crumbs": self.crumbs(access, target),
                **shown,
                "secret": secret,
                "notes": notes,
                "target": target,
                "refused_form": refused,
            },
            offers=offers,
            no_actions="" if offers else self.reason_for_no_actions(access, target),
            scope=self.scope(access, target),
            query=self.query(access, target),
            fields=self.fields(shown),
            version=self.version(access, target),
            holds_secret=secret is not None,
            json=self.json(access, target) if access.format == Format.JSON else None,
        )


def action_path(page_path: str, name: str = "") -> str:
    return f"{page_path.rstrip('/')}/actions" + (f"/{name}" if name else "")


def offered(access: Access, action: Action[T], target: T, base: str) -> Offer:
    return Offer(action.on(access, target), target, action_path(base, action.name))


@dataclass(frozen=True, slots=True)
class Signature:
    """An action in an index: `name(params)`, its sentence and its path."""

    text: str
    sentence: str
    path: str
    label: str


def signature(offer: Offer) -> Signature:
    names = ", ".join(param["name"] for param in described_params(offer.action.params))
    return Signature(
        f"{offer.action.name}({names})", offer.action.sentence, offer.path, offer.action.label
    )


def unknown_action(
    page: Page[T],
    access: Access,
    target: T,
    base: str,
    name: str,
    kwargs: Mapping[str, Any],
) -> Refused:
    """Return the refusal of an action that the page does not have.

    It names the pages that have it. `kwargs` are the parameters of the request's route.
    """
    offers = page.offers(access, target, base)
    lines = [f"- `{signature(offer).text}` — {offer.action.sentence}" for offer in offers]
    listing = "\n".join(lines) or "No actions are defined at this path."
    return NotFound(
        f"'{name[:80]}' is not a valid action here.",
        hint=_pages_with(name, access, kwargs)
        or did_you_mean(name, (offer.action.name for offer in offers)),
        links=[Link("Actions here", f"{base}/actions")],
        document=f"## Available actions at `{base}`\n\n{listing}",
    )


def _pages_with(name: str, access: Access, kwargs: Mapping[str, Any]) -> str:
    """Return the sentence that names the pages with an action, or "" where no page has it."""
    place_path = access.place.path if access.place and access.is_member else ""
    paths = [
        mounted.path_below(place_path, kwargs)
        for mounted in registry.pages().values()
        if mounted.page.action(name)
    ]
    if not paths:
        return ""
    # Pages of the item that the request is about, if it has the action.
    named = [f"`{path}`" for path in paths if "{" not in path] or [f"`{path}`" for path in paths]
    *others, last = named
    where = f"{', '.join(others)} and {last}" if others else last
    return f"`{name}` is an action of {where}."


@dataclass(frozen=True, eq=False)
class RoutedView:
    """The view of a route, with the rule and the actions that the middleware checks first."""

    view: View
    rule: Rule
    # The page that it belongs to.
    page: Page[Any] | None = None
    # The action that each method runs, if the route is not a page.
    writes: Mapping[str, Action[Any]] = field(default_factory=dict)
    # True if its path has a signature, which other sites cannot forge. Django reads this name.
    csrf_exempt: bool = False

    def __post_init__(self) -> None:
        registry.site.add_variants(self.writes.values())

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.view(request, *args, **kwargs)

    def action(self, method: str, name: str = "") -> Action[Any] | None:
        """Return the action that a method runs: a page's action by name, or the route's own."""
        if self.page is not None:
            return self.page.action(name) if name else self.page.writes.get(method)
        return self.writes.get(method)


def with_rule(view: View, rule: Rule, page: Page[Any] | None = None) -> RoutedView:
    """Return a view with the rule that the access middleware enforces."""
    return RoutedView(view, rule, page)


def page_of(view: object) -> Page[Any] | None:
    """Return the page of a route's view, or None."""
    return view.page if isinstance(view, RoutedView) else None


def sign_in_notice(access: Access, target: str) -> str:
    """Return the notice of the page that a visitor signs in to open, or ""."""
    try:
        url = urlsplit(target)
        match = resolve(url.path)
    except (ValueError, Resolver404):
        return ""
    page = page_of(match.func)
    if page is None or match.url_name != page.name:
        return ""
    return page.sign_in_notice(access, dict(parse_qsl(url.query)), **match.kwargs)


# --- Views -------------------------------------------------------------------------------


def require_read_method(request: AccessRequest, page: Page[Any] | None = None) -> None:
    """Refuse other methods than GET and HEAD, and those that the page offers."""
    if request.method not in READS:
        raise method_not_allowed(", ".join(["GET", "HEAD", *(page.writes if page else ())]))


def redirect(access: Access, target: str) -> HttpResponse:
    """Redirect, keeping the suffix by which Markdown was asked for."""
    suffix = ".md" if access.has_suffix and access.format == Format.MARKDOWN else ""
    response = HttpResponseRedirect(target + suffix)
    keep_private(response)
    return response
