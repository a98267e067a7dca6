"""Views of pages: the page itself, its index of actions, and each action."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, resolve, reverse
from django.urls.exceptions import Resolver404

from harmonic.kernel import registry
from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action, Outcome, require
from harmonic.kernel.http import conditional
from harmonic.kernel.http.methods import READS, method_not_allowed
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations.redaction import ShownOnce, show_once
from harmonic.kernel.outcomes import add_notices, location_of_new
from harmonic.kernel.pages import (
    Page,
    Redirection,
    RoutedView,
    View,
    offered,
    page_of,
    redirect,
    require_read_method,
    signature,
    unknown_action,
    with_rule,
)
from harmonic.kernel.parameters.decoding import RawParams, read_params, split_dry_run
from harmonic.kernel.parameters.schema import schema_of
from harmonic.kernel.pipeline import (
    Call,
    Find,
    Precondition,
    dry_run,
    locked,
    no_precondition,
    perform,
    require_audience,
)
from harmonic.kernel.refusals import FreshProofRequired, Link, Refused
from harmonic.kernel.rendering.documents import (
    Document,
    Offer,
    RefusedForm,
    action_entry,
    described_params,
    markdown_source_of,
    origin_of,
    respond,
)

T = TypeVar("T")


def mount(route: str, page: Page[T]) -> list[URLPattern]:
    """Return the URL patterns of a page, its action index and its actions."""
    registry.site.add_page(page, route)
    below = f"{route}/" if route else ""
    return [
        path(route, with_rule(page_view(page), page.rule, page), name=page.name),
        path(
            f"{below}actions",
            with_rule(index_view(page), page.rule, page),
            name=f"{page.name}.actions",
        ),
        path(
            f"{below}actions/<str:action_name>",
            with_rule(action_view(page), page.rule, page),
            name=f"{page.name}.action",
        ),
    ]


def page_view(page: Page[T]) -> View:
    def view(request: AccessRequest, **kwargs: Any) -> HttpResponse:
        access = request.access
        action = page.writes.get(request.method or "")
        if action is not None:
            return run(request, page, action, partial(page.find, **kwargs), access.path)
        require_read_method(request, page)
        target = page.found(access, kwargs)
        part = page.narrowed(access, target)
        if isinstance(part, Redirection):
            return redirected(request, part)
        return respond(request, access, part or page.document(access, target, access.path))

    return view


def redirected(request: AccessRequest, to: Redirection) -> HttpResponse:
    """Redirect to another page, which shows the notice in a browser."""
    if request.access.format == Format.HTML:
        messages.info(request, to.notice)
    return redirect(request.access, to.path)


def index_view(page: Page[T]) -> View:
    def view(request: AccessRequest, **kwargs: Any) -> HttpResponse:
        require_read_method(request)
        access = request.access
        target = page.found(access, kwargs)
        base = access.path.removesuffix("/actions") or "/"
        return respond(request, access, _index(page, access, target, base))

    return view


def _index(page: Page[T], access: Access, target: T, base: str) -> Document:
    offers = page.offers(access, target, base)
    return Document(
        title=f"Actions | {page.title(access, target)}",
        heading=f"Actions for path {base}",
        template="actions/index.html",
        context={"page_path": base, "entries": [signature(offer) for offer in offers]},
        offers=offers,
        json={
            "path": base,
            "actions": [
                {**action_entry(access, offer), "schema": schema_of(offer.action)}
                for offer in offers
            ],
        },
    )


def action_view(page: Page[T]) -> View:
    def view(request: AccessRequest, action_name: str, **kwargs: Any) -> HttpResponse:
        access = request.access
        if request.method not in READS | {"POST"}:
            raise method_not_allowed("GET, HEAD, POST")
        base = access.path.rpartition("/actions")[0] or "/"
        action = page.action(action_name)
        if action is not None and request.method == "POST":
            return run(request, page, action, partial(page.find, **kwargs), base)
        target = page.find(access, **kwargs)
        if action is None:
            raise unknown_action(page, access, target, base, action_name, kwargs)
        if page.fresh and not access.is_fresh(page.fresh):
            raise FreshProofRequired(page.fresh)
        return respond(request, access, described(page, access, action, target, base))

    return view


def described(page: Page[T], access: Access, action: Action[T], target: T, base: str) -> Document:
    """Return the description of an action; in HTML, its form or confirmation page."""
    denied_first(action, access, target)
    return _form_document(page, access, offered(access, action, target, base), base)


def denied_first(action: Action[T], access: Access, target: T) -> None:
    try:
        require(action, access, target)
    except Refused as refused:
        refused.action = action.name
        raise


def _form_document(
    page: Page[T],
    access: Access,
    offer: Offer,
    base: str,
    refused: RefusedForm | None = None,
) -> Document:
    confirmation = offer.action.confirmation(access, offer.target)
    return Document(
        title=f"Action: {offer.action.name}",
        heading=confirmation.heading,
        template="actions/describe.html",
        context={
            "action": offer.action,
            "page_path": base,
            "confirmation": confirmation,
            "crumbs": [
                *page.crumbs(access, offer.target),
                Link(page.title(access, offer.target), base),
            ],
            "params": list(described_params(offer.action.params)),
            "refused_form": refused,
            "initial": offer.action.initial(access, offer.target),
            "target": offer.target,
            "resource": page.about(access, offer.target),
        },
        offers=(offer,),
        status=refused.refusal.status if refused else 200,
        json={"action": {**action_entry(access, offer), "schema": schema_of(offer.action)}},
        schema=schema_of(offer.action),
    )


def run(
    request: AccessRequest, page: Page[T], action: Action[T], find: Find[T], base: str
) -> HttpResponse:
    """Run an action and respond in the requested format."""
    access = request.access
    raw, is_dry_run = _sent(request)
    if isinstance(raw, RawParams) and raw.is_form and access.format == Format.HTML:
        raw = replace(raw, is_page_form=True)
    precondition: Precondition[T] = no_precondition
    if "If-Match" in request.headers:
        find, precondition = locked(find), partial(_require_seen, request, page, base)
    if (claimed := getattr(request, "claimed_audience", None)) is not None:
        precondition = partial(require_audience, action, claimed, precondition)
    call = Call(action=action, raw=raw, find=find, precondition=precondition)
    try:
        outcome = (dry_run if is_dry_run else perform)(call, access)
    except Refused as refused:
        if access.format == Format.HTML and isinstance(raw, RawParams) and page.keeps(refused):
            form = RefusedForm(action.name, raw, refused)
            return _form_again(request, page, action, find(access), base, form)
        refused.action = action.name
        raise
    if outcome.is_dry_run:
        rehearsed = _success(access, action, replace(outcome, path=base))
        return respond(request, access, rehearsed)
    return answered(request, action, outcome)


def _form_again(
    request: AccessRequest,
    page: Page[T],
    action: Action[T],
    target: T,
    base: str,
    refused: RefusedForm,
) -> HttpResponse:
    """Show a refused form again, on its page or else on the action's own page."""
    access = request.access
    there = replace(access, path=base, query={})
    status = refused.refusal.status
    document = replace(page.document(there, target, base, refused=refused), status=status)
    response = respond(request, there, document)
    if refused.is_shown:
        return response
    # The form posts to the same path again.
    offer = replace(offered(access, action, target, base), path=access.path)
    return respond(request, access, _form_document(page, access, offer, base, refused))


def _sent(request: AccessRequest) -> tuple[RawParams | Refused, bool]:
    """Return the parameters of a write, or the refusal of its body, and whether it is a dry run."""
    try:
        return split_dry_run(read_params(request))
    except Refused as refused:
        return refused, False


def _require_seen(
    request: AccessRequest, page: Page[T], base: str, access: Access, target: T
) -> None:
    header = request.headers["If-Match"]
    if version := page.version(access, target):
        is_seen = conditional.has_version(header, version)
    else:
        reading = replace(access, path=base, format=Format.MARKDOWN, query={})
        # The tags of pages are weak, and cover everything that the page shows.
        etag = markdown_source_of(reading, page.document(reading, target, base)).etag
        is_seen = conditional.matches(header, etag)
    if not is_seen:
        raise Refused(
            "The page has changed since you read it.",
            status=412,
            code="precondition_failed",
            hint=f"Read {base} again as Markdown and send its new ETag in If-Match.",
        )


def answered(request: AccessRequest, action: Action[Any], outcome: Outcome) -> HttpResponse:
    access, request.resource = request.access, outcome.resource
    if outcome.shown_on and access.format != Format.JSON:
        name, kwargs = outcome.shown_on
        page = registry.pages()[name].page
        shown = page.find(access, **kwargs)
        base = reverse(name, kwargs=dict(kwargs))
        document = page.document(access, shown, base, outcome.secret, outcome.notes)
        return _secretly(respond(request, access, with_origin(request, document)), outcome)
    if access.format == Format.HTML and not (outcome.secret or outcome.text):
        add_notices(request, outcome)
        return HttpResponseRedirect(outcome.browser_path or outcome.path, status=303)
    if outcome.is_redirect:
        return HttpResponseRedirect(outcome.path, status=303)
    document = with_origin(request, _success(access, action, outcome))
    return _secretly(respond(request, access, document), outcome)


def _secretly(response: HttpResponse, outcome: Outcome) -> HttpResponse:
    """Exempt the plaintext of a new token from the redaction of this response."""
    if secret := outcome.secret:
        show_once(response, ShownOnce(secret.plaintext, str(secret.row.id), outcome.path))
    return response


def with_origin(request: AccessRequest, document: Document) -> Document:
    """Return the document with the origin of the site, for commands in it."""
    return replace(document, context={**document.context, "origin": origin_of(request)})


def _success(access: Access, action: Action[Any], outcome: Outcome) -> Document:
    resource = outcome.resource
    secret = {"token": outcome.secret.plaintext} if outcome.secret else {}
    parent = {"parent": asdict(outcome.parent)} if outcome.parent else {}
    word = "Dry Run" if outcome.is_dry_run else "Action Success"
    return Document(
        title=f"{word}: {action.name}",
        heading=outcome.message,
        template="actions/success.html",
        context={"action": action, "outcome": outcome, "secret": outcome.secret},
        offers=offers_at(access, outcome.path),
        holds_secret=outcome.secret is not None,
        headers=location_of_new(access, action, outcome),
        json=outcome.json
        or {
            "success": True,
            "action": action.name,
            "result": "\n\n".join(filter(None, (outcome.message, outcome.text))),
            "resource": asdict(resource) if resource else None,
            **parent,
            **outcome.data,
            "notes": list(outcome.notes),
            **secret,
            **({"dry_run": True} if outcome.is_dry_run else {}),
        },
    )


def offers_at(access: Access, page_path: str) -> tuple[Offer, ...]:
    """Return the actions offered by the page at `page_path`, if it is in the same collective."""
    place = access.place.path if access.place else ""
    if place and not page_path.startswith(place):
        return ()
    if not place and page_path.startswith(("/collectives/", "/workspace/")):
        return ()
    try:
        match = resolve(page_path)
    except Resolver404:
        return ()
    page = page_of(match.func)
    if page is None or match.url_name != page.name:
        return ()
    kwargs = {key: value for key, value in match.kwargs.items() if key != "collective"}
    try:
        return page.offers(access, page.found(access, kwargs), page_path)
    except Refused:
        return ()


def form_alias(page: Page[T], action: Action[T], method: str = "POST") -> RoutedView:
    """Return a view of another path below a page that runs `action`, for forms of public clients.

    It responds like the action's own path.
    """

    def view(request: AccessRequest, **kwargs: Any) -> HttpResponse:
        if request.method != method:
            raise method_not_allowed(method)
        access = request.access
        base = access.path.rpartition("/")[0]
        return run(request, page, action, partial(page.find, **kwargs), base)

    return RoutedView(view, page.rule, writes={method: action})
