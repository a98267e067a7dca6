"""Documents and their two representations: HTML inside `base.html`, Markdown with frontmatter.

Markdown is made from the `main` block of the template, or from the template `x.md.html` if that
exists. User strings are placeholders there while `harmonic.kernel.rendering.markdown` converts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from functools import cache
from math import ceil
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import select_template

from harmonic.kernel.access import Access
from harmonic.kernel.actions import Action
from harmonic.kernel.http import conditional
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.negotiation import Format, instead_of_json, prefers_schema
from harmonic.kernel.http.query import Query, note_of_unknown
from harmonic.kernel.http.selection import WHOLE_DOCUMENT, Selection
from harmonic.kernel.navigation import unread_count
from harmonic.kernel.operations.release import release
from harmonic.kernel.parameters.decoding import RawParams, declared_fields
from harmonic.kernel.parameters.fields import Params, is_unlisted, wire_type_of
from harmonic.kernel.parameters.schema import MEDIA_TYPE
from harmonic.kernel.refusals import Invalid, Problem, Refused
from harmonic.kernel.rendering import frontmatter, markdown

MOTTO = "> [Do the right thing. ❤️](/motto)"
BARE_NAV = "nav: | [Home](/) |"
VARY = "Accept, Authorization, Cookie"
# A rule of thumb, for the estimate that agents budget with.
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Offer:
    """An action that a document offers, with its target and its path."""

    action: Action[Any]
    target: Any
    path: str


@dataclass(slots=True)
class RefusedForm:
    """The input of a form that was refused, and the refusal.

    `is_shown` becomes true when a template shows the form.
    """

    action: str
    raw: RawParams
    refusal: Refused
    is_shown: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The errors of parameters; other refusals have none."""
        return self.refusal.problems if isinstance(self.refusal, Invalid) else ()

    @property
    def errors(self) -> tuple[str, ...]:
        """The sentences above the fields: the message, unless it is at a field, and the hint."""
        message = self.refusal.message
        if isinstance(self.refusal, Invalid) and self.problems:
            message = self.refusal.limit
        return tuple(filter(None, (message, self.refusal.hint)))


@dataclass(frozen=True, slots=True)
class Document:
    """The content of a response, before a format is chosen."""

    title: str
    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    offers: tuple[Offer, ...] = ()
    status: int = 200
    error: str = ""
    # The code of a refusal, as the REST API names it.
    code: str = ""
    scope: str = ""
    # The search that a page of a feed shows the results of.
    query: str = ""
    # More keys of the frontmatter.
    fields: Mapping[str, str] = field(default_factory=dict)
    # The state that `If-Match` compares, if that is not everything in the document.
    version: tuple[object, ...] = ()
    # Whether the Markdown leaves out its links and motto, since it has nothing else to say.
    is_bare: bool = False
    # Why a page offers no action, as the last line of its Markdown.
    no_actions: str = ""
    holds_secret: bool = False
    json: Mapping[str, Any] | None = None
    # The JSON Schema of the parameters, if the document describes an action.
    schema: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # The template around the HTML.
    base: str = "base.html"
    # The `<h1>` of the HTML page where it differs from the title, which is a contract of Markdown.
    heading: str = ""

    @property
    def html_title(self) -> str:
        """The `<title>` of the HTML page: its heading, after "Error:" if a form was refused."""
        heading = self.heading or self.title
        return f"Error: {heading}" if self.status == Invalid.status else heading


@dataclass(slots=True)
class Rendering:
    """The rendering context of the template tags: format, access, offers."""

    access: Access
    is_markdown: bool
    offers: Mapping[str, Offer]
    placeholders: markdown.Placeholders = field(default_factory=markdown.Placeholders)
    request: HttpRequest | None = None
    shown_people: dict[Any, str] = field(default_factory=dict)

    @property
    def has_exact_times(self) -> bool:
        """True if the reader switched from relative to exact times."""
        return self.request is not None and self.request.COOKIES.get("times") == "exact"


def respond(request: HttpRequest, access: Access, document: Document) -> HttpResponse:
    """Return the response with `document` in the requested format.

    Raises:
        Refused: 406, the client accepts JSON only and the document has none.
    """
    is_tagged = _is_tagged(request, document)
    etag = ""
    if access.format == Format.JSON and document.json is None:
        access = replace(access, format=_instead_of_json(request, access))
    if access.format == Format.JSON:
        response = _json(request, access, document)
        etag = conditional.etag_of(response.content)
    elif access.format == Format.MARKDOWN:
        markdown_source = markdown_source_of(access, document)
        etag = markdown_source.etag if is_tagged else ""
        is_known = is_tagged and conditional.is_known(request.headers, etag)
        selected = Selection.asked_by(access.query, access.path)
        selection = selected if is_tagged else WHOLE_DOCUMENT
        note = _query_note(access, document) if is_tagged else ""
        response = _markdown("" if is_known else markdown_source.text(selection, note))
        response["Link"] = f'<{in_header(access.path)}>; rel="canonical"'
    else:
        response = HttpResponse(html_of(request, access, document))
        response["Link"] = f'<{alternate(access.path)}>; rel="alternate"; type="text/markdown"'
    response.status_code = document.status
    for name, value in document.headers.items():
        response[name] = value
    keep_private(response, holds_secret=document.holds_secret)
    if is_tagged and etag:
        conditional.tag(request.headers, response, etag)
    return response


def _query_note(access: Access, document: Document) -> str:
    """Return the line about query parameters that neither the page nor its forms have, or ""."""
    if not access.query or not isinstance(access.query, Query):
        return ""
    forms = (declared_fields(each.action.params) for each in document.offers if each.action.params)
    return note_of_unknown(access.query, access.query.looked_up.union(*forms))


def _is_tagged(request: HttpRequest, document: Document) -> bool:
    """Return whether the response gets an entity tag: a successful read without a secret."""
    is_read = request.method in READS
    return is_read and document.status == 200 and not document.holds_secret


def _markdown(text: str) -> HttpResponse:
    response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    if text:
        response["Content-Tokens-Estimate"] = str(ceil(len(text) / CHARACTERS_A_TOKEN))
    return response


def keep_private(response: HttpResponse, *, holds_secret: bool = False) -> None:
    """Set the cache headers of a response for one caller; one with a secret is never stored."""
    response["Vary"] = VARY
    response["Cache-Control"] = "no-store" if holds_secret else "private, no-cache"


def origin_of(request: HttpRequest) -> str:
    """Return the origin of a request: `http://garden.localhost:8000`."""
    return f"{request.scheme}://{request.get_host()}"


def alternate(path: str) -> str:
    """Return the path of the Markdown of a page."""
    return "/index.md" if path == "/" else f"{in_header(path)}.md"


def in_header(path: str) -> str:
    """Return a path with any characters as a URI in ASCII."""
    return quote(path, safe="/:@!$&'()*+,;=-._~")


def _instead_of_json(request: HttpRequest, access: Access) -> Format:
    """Return the format to use instead of JSON; the suffix `.json` accepts no other."""
    has_token = access.token is not None
    accept = None if access.has_suffix else request.headers.get("Accept")
    found = instead_of_json(accept, has_token=has_token)
    if found is not None:
        return found
    available = ["text/markdown"] if has_token else ["text/html", "text/markdown"]
    raise Refused(
        f"This page has no JSON. It is available as {' and '.join(available)}.",
        status=406,
        code="not_acceptable",
        extra={"available": available},
    )


def _json(request: HttpRequest, access: Access, document: Document) -> HttpResponse:
    is_by_accept = not access.has_suffix
    if document.schema and is_by_accept and prefers_schema(request.headers.get("Accept")):
        return _object(document.schema, MEDIA_TYPE)
    assert document.json is not None  # otherwise another format was chosen
    return _object(document.json, "application/json")


def _object(value: Mapping[str, Any], content_type: str) -> HttpResponse:
    return JsonResponse(value, json_dumps_params={"ensure_ascii": False}, content_type=content_type)


def html_of(request: HttpRequest, access: Access, document: Document) -> str:
    rendering = Rendering(access, False, _by_name(document.offers), request=request)
    return rendered_in(document, rendering, document.base, request)


@dataclass(frozen=True, slots=True)
class MarkdownSource:
    """The parts of a Markdown document before it is written."""

    moment: str
    fields: Mapping[str, Any]
    nav: str
    block: str
    placeholders: markdown.Placeholders
    motto: str = MOTTO
    version: tuple[object, ...] = ()

    @property
    def etag(self) -> str:
        """The weak tag of the document without its timestamp, after that of its version, if any."""
        parts = (release(), self.fields, self.nav, self.block, self.placeholders.kept)
        etag = conditional.etag_of(repr(parts).encode("utf-8", "surrogatepass"))
        return f"W/{conditional.with_version(etag, self.version) if self.version else etag}"

    def text(self, selection: Selection = WHOLE_DOCUMENT, note: str = "") -> str:
        """Return the document, or the selected parts of it, with `note` as its last line.

        The tag is that of the whole document, whatever is selected.
        """
        fields = selection.of_fields(self.fields)
        head = frontmatter.emit({**fields, "timestamp": frontmatter.Plain(self.moment)})
        body = markdown.render(self.block, self.placeholders, selection.of_body).strip("\n")
        return "\n\n".join(filter(None, [head + self.nav, body, note, self.motto])) + "\n"


def markdown_source_of(access: Access, document: Document) -> MarkdownSource:
    rendering = Rendering(access, True, _by_name(document.offers))
    block = rendered_in(document, rendering, "base_md.html", None)
    if document.no_actions:
        block += f"<p>{rendering.placeholders.line(document.no_actions)}</p>"
    moment = access.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = _frontmatter(access, document)
    return MarkdownSource(
        moment=moment,
        fields=fields,
        nav=BARE_NAV if document.is_bare else nav_line(access),
        block=block,
        placeholders=rendering.placeholders,
        motto="" if document.is_bare else MOTTO,
        version=document.version,
    )


def _by_name(offers: Iterable[Offer]) -> dict[str, Offer]:
    return {offer.action.name: offer for offer in offers}


def rendered_in(
    document: Document, rendering: Rendering, base: str, request: HttpRequest | None
) -> str:
    context = {
        **document.context,
        "base": base,
        "title": document.title,
        "html_title": document.html_title,
        "title_end": _title_end(rendering.access, document.html_title),
        "access": rendering.access,
        "rendering": rendering,
        "offers": rendering.offers,
    }
    template = select_template(_forms(document.template, rendering))
    return str(template.render(context, request))


def _title_end(access: Access, title: str) -> str:
    """Return the end of a `<title>`: the collective and the tenant that the title does not name."""
    place = access.place
    is_inside = place is not None and not place.is_main and access.is_member
    within = place.name if place is not None and is_inside and place.name not in title else ""
    tenant = "" if title == access.tenant.name else access.tenant.name
    return "".join(f" · {name}" for name in (within, tenant) if name)


def _forms(template: str, rendering: Rendering) -> list[str]:
    """Return the templates of a document in a format, the preferred one first.

    Markdown prefers `x.md.html` to `x.html`.
    """
    if rendering.is_markdown:
        return [f"{template.removesuffix('.html')}.md.html", template]
    return [template]


def _frontmatter(access: Access, document: Document) -> dict[str, Any]:
    """Return the frontmatter; its timestamp is filled in later."""
    fields: dict[str, Any] = {"app": "Harmonic"}
    if document.error:
        fields |= {"status": document.status, "error": document.error, "code": document.code}
    fields |= {"host": access.host, "path": access.path}
    if document.scope and not document.is_bare:
        fields["scope"] = document.scope
    if document.query:
        fields["query"] = document.query
    fields |= {"title": document.title, "timestamp": ""}
    if access.actor and not document.is_bare:
        fields["viewer"] = f"@{access.actor.handle}"
    fields |= document.fields
    if document.offers:
        fields["actions"] = [action_entry(access, offer) for offer in document.offers]
    return fields


def action_entry(access: Access, offer: Offer) -> dict[str, Any]:
    """Return an action's entry in the frontmatter."""
    shown: dict[str, Any] = {
        "name": offer.action.name,
        "visibility": offer.action.audience_in(access),
        "description": offer.action.sentence,
        "path": offer.path,
    }
    params = described_params(offer.action.params)
    return {**shown, "params": list(params)} if params else shown


@cache
def described_params(params: type[Params] | None) -> tuple[dict[str, Any], ...]:
    """Return the descriptions of an action's parameters."""
    return tuple(_described(params)) if params else ()


def _described(params: type[Params]) -> Iterable[dict[str, Any]]:
    for name, field_ in params().fields.items():
        if is_unlisted(field_):
            continue
        shown: dict[str, Any] = {
            "name": name,
            "type": wire_type_of(field_),
            "required": field_.required,
            "description": str(field_.help_text or field_.label or name),
        }
        if choices := getattr(field_, "choices", None):
            shown["enum"] = ", ".join(str(choice) for choice in choices)
        if limit := getattr(field_, "max_length", None):
            shown["max_length"] = limit
        yield shown


def nav_line(access: Access) -> str:
    """Return the navigation line at the top of every Markdown document."""
    parts = ["[Home](/)"]
    place = access.place
    if place is not None and not place.is_main and access.is_member:
        word = "Workspace" if place.is_workspace else "Collective"
        parts.append(f"{word}: [{markdown.escape_line(place.name)}]({place.path})")
    if access.actor:
        name = markdown.escape_line(access.actor.name)
        parts.append(f"Logged in as [{name}]({access.actor.path})")
        if access.path != "/whoami":
            parts.append("[Who am I](/whoami)")
        parts.append("[🔍](/search)")
        parts.append(f"[{unread_count(access)}](/notifications)")
    parts.append("[Help](/help)")
    return f"nav: | {' | '.join(parts)} |"
