"""Refusals rendered as responses, in the requested format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from typing_extensions import TypedDict

from api.codes import CODES
from api.responses.schema import Doc, Id, OneOf, Url
from harmonic.access import kept_forms, sessions
from harmonic.http.tenant_origin import tenant_origin
from harmonic.kernel.access import Access
from harmonic.kernel.http.methods import READS
from harmonic.kernel.http.negotiation import Format, is_api_path, prefers_problem
from harmonic.kernel.http.request import AccessRequest, has_access
from harmonic.kernel.operations import audit
from harmonic.kernel.parameters import wording
from harmonic.kernel.refusals import (
    AUTHENTICATE,
    SIGN_IN,
    FreshProofRequired,
    Invalid,
    Link,
    NotFound,
    Refused,
    SignInRequired,
)
from harmonic.kernel.rendering.documents import Document, keep_private, origin_of, respond

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"
# The keys of problem details besides those of every error.
PROBLEM_KEYS = frozenset({"type", "title", "detail"})
# The page that sends a form again which reverification or signing in interrupted.
REPLAY = "/reverify/replay"
BEARER = 'Bearer realm="Harmonic"'
# Links for callers without valid credentials.
FIRST_STEPS = (
    Link("Who am I and what may I do", "/whoami"),
    Link("Help, without a token", "/help"),
    Link("All actions", "/actions"),
)
FIRST_STEPS_SENTENCE = (
    "Who you are and what you may do is at /whoami, all actions are at /actions, help is at /help."
)


def render_refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Return the response to a refusal: a redirect, a page, a Markdown document or JSON."""
    if not has_access(request):
        return _bare(refused)
    access, request.refused = request.access, refused
    if refused.status == 403:
        audit.record(
            "permission_denied",
            access,
            warn=True,
            code=refused.code,
            method=request.method,
            action=refused.action or None,
        )
    if access.format == Format.JSON:
        response = _json(request, access, refused)
    elif location := _location(request, access, refused):
        response = _redirect(request, access, location)
    else:
        response = _document(request, access, refused)
    for name, value in refused.headers.items():
        response[name] = value
    if response.status_code == 401:
        response.setdefault("WWW-Authenticate", BEARER)
    return response


def _bare(refused: Refused) -> HttpResponse:
    return HttpResponse(
        f"{refused.message}\n", status=refused.status, content_type="text/plain; charset=utf-8"
    )


# --- HTML -----------------------------------------------------------------------------------


def _location(request: AccessRequest, access: Access, refused: Refused) -> str:
    """Return where a browser is redirected instead of a refusal page, or ""."""
    is_read = request.method in READS
    if refused.location and is_read and access.token is None:
        is_suffixed = access.has_suffix and access.format == Format.MARKDOWN
        return refused.location + (".md" if is_suffixed else "")
    if access.format != Format.HTML:
        return ""
    if isinstance(refused, SignInRequired) and access.token is None:
        if request.headers.get("Authorization", "").strip():
            return ""
        return f"/login?{urlencode({'redirect_to_resource': _after_sign_in(request, access)})}"
    if isinstance(refused, FreshProofRequired):
        then = _path_after_verification(request, access)
        return f"/reverify?{urlencode({'scope': refused.scope, 'then': then})}"
    return ""


def path_with_query(request: AccessRequest, access: Access) -> str:
    query = request.META.get("QUERY_STRING", "")
    return f"{access.path}?{query}" if query else access.path


def _path_after_verification(request: AccessRequest, access: Access) -> str:
    """Return the path to continue at after verification: back, or the interrupted form."""
    if request.method not in READS and kept_forms.keep_form(request, access.user.user_id):
        return REPLAY
    return path_with_query(request, access)


def _after_sign_in(request: AccessRequest, access: Access) -> str:
    """Return the path to continue at after signing in: back, or the interrupted form."""
    user_id = request.ended_user_id
    is_form = request.method not in READS and access.session_end_reason in sessions.EXPIRED
    if is_form and user_id is not None and kept_forms.keep_form(request, user_id):
        return REPLAY
    return path_with_query(request, access)


def _redirect(request: AccessRequest, access: Access, location: str) -> HttpResponse:
    if access.session_end_reason in sessions.END_MESSAGES:
        messages.warning(request, sessions.END_MESSAGES[access.session_end_reason])
    status = 302 if request.method in READS else 303
    response = HttpResponseRedirect(location, status=status)
    keep_private(response)
    return response


# --- Documents ------------------------------------------------------------------------------


def _document(request: AccessRequest, access: Access, refused: Refused) -> HttpResponse:
    refused = _as_document(access, refused)
    title, message, hint = title_of(refused), message_of(refused), hint_of(refused)
    parts = refusal_parts(refused, title, message, hint)
    document = Document(
        title=title,
        heading=parts.heading or message,
        template="refusal.html",
        context={
            "refusal": refused,
            "message": message,
            "hint": hint,
            # The document of a refusal lists its own links.
            "links": () if refused.document else links_of(refused),
            "parts": parts,
            "action_name": refused.action,
            "home": _home(request, access),
            "texts": _typed_texts(request, access, refused),
            "request_id": request.request_id,
        },
        status=refused.status,
        error=message,
        code=refused.code,
        base=_base_of(refused),
    )
    return respond(request, access, document)


def _typed_texts(
    request: AccessRequest, access: Access, refused: Refused
) -> tuple[kept_forms.TypedText, ...]:
    """Return what was typed into a form, so that a page that refuses it loses no text."""
    is_form = access.format == Format.HTML and request.method not in READS
    # A body that was refused was not read.
    is_form = is_form and request.refused_body is None and refused.code != "write_saved"
    return kept_forms.typed_texts(request) if is_form else ()


def _base_of(refused: Refused) -> str:
    """Return the base template of a refusal.

    The page of an exceeded rate limit has no navigation, so that it is cheap to render.
    """
    return "base_bare.html" if refused.status == 429 else "base.html"


def _home(request: AccessRequest, access: Access) -> Link:
    """Return the link shown on a refusal that has none of its own."""
    if access.tenant.subdomain:
        return Link("Home", "/")
    return Link("All communities", f"{tenant_origin(request)}/")


def _as_document(access: Access, refused: Refused) -> Refused:
    """Return the refusal as shown in Markdown, where an unsupported method is not found."""
    if refused.code == "method_not_allowed" and access.format == Format.MARKDOWN:
        return NotFound()
    return refused


def hint_of(refused: Refused, *, is_api: bool = False) -> str:
    """Return the hint of a refusal; without one, a 401 says how to authenticate."""
    if refused.hint or not isinstance(refused, SignInRequired):
        return refused.hint
    return f"{AUTHENTICATE}." if is_api else SIGN_IN


def links_of(refused: Refused) -> tuple[Link, ...]:
    """Return the links of a refusal; a 401 without any has those of a first visit."""
    if refused.links or not isinstance(refused, SignInRequired):
        return refused.links
    return FIRST_STEPS


def title_of(refused: Refused) -> str:
    if refused.action:
        return f"Action Error: {refused.action}"
    if refused.document:
        return "Unknown Action"
    return f"{refused.status} {HTTPStatus(refused.status).phrase}"


def message_of(refused: Refused) -> str:
    if isinstance(refused, Invalid) and refused.problems:
        return _with_limit(wording.joined(refused.problems), refused)
    return refused.message


def _with_limit(sentence: str, invalid: Invalid) -> str:
    return f"{sentence}. {invalid.limit}" if invalid.limit else sentence


@dataclass(frozen=True, slots=True)
class RefusalParts:
    """The parts of a refusal's HTML page: a label, a heading below it, and a sentence."""

    label: str
    heading: str
    sentence: str


def refusal_parts(refused: Refused, title: str, message: str, hint: str) -> RefusalParts:
    """Return the parts of a refusal's HTML page.

    The first sentence of the hint is the heading if the refusal has an empty heading.
    """
    label = refused.label or title
    heading = message if refused.heading is None else refused.heading
    if heading or not hint:
        return RefusalParts(label, heading[:1].upper() + heading[1:], hint)
    first, _, sentence = hint.partition(". ")
    return RefusalParts(label, first.rstrip("."), sentence)


# --- JSON -----------------------------------------------------------------------------------


class ErrorJson(TypedDict):
    """The error object, which can have more members."""

    error: Annotated[str, Doc("A message for people.", example="Not found")]
    code: Annotated[
        str,
        OneOf("ErrorCode", CODES),
        Doc(
            "A code for programs. New codes can be added: treat an unknown code by its status.",
            example="not_found",
        ),
    ]
    status: Annotated[int, Doc(example=404)]
    request_id: Annotated[str, Doc(example="728442d7-86d3-4ad0-8ab9-f1acca4e72cb")]
    fields: NotRequired[
        Annotated[dict[str, list[str]], Doc("The messages for each invalid parameter.")]
    ]
    hint: NotRequired[
        Annotated[str, Doc("How to resolve the error, or who can.", example="Read it again.")]
    ]
    successor_id: NotRequired[Annotated[Id, Doc("With `already_rotated`: the token's successor.")]]
    id: NotRequired[Annotated[Id, Doc("With `idempotency_secret_unavailable`: the token created.")]]


class ProblemJson(ErrorJson):
    """The error object as problem details (RFC 9457), when `Accept` prefers them."""

    type: Annotated[Url, Doc(example="http://garden.localhost:8000/api/v1/docs#not_found")]
    title: Annotated[str, Doc(example="Not found")]
    detail: Annotated[str, Doc(example="Not found")]


def _json(request: AccessRequest, access: Access, refused: Refused) -> HttpResponse:
    is_api = is_api_path(access.path)
    body = error_object(refused, request.request_id, is_api=is_api)
    if is_api:
        return api_error(request, body)
    if refused.action:
        return _object({"success": False, "action": refused.action, **body}, JSON)
    return _object(body, JSON)


def api_error(request: HttpRequest, body: Mapping[str, Any]) -> HttpResponse:
    """Return an error of the API, as problem details if `Accept` prefers them."""
    plain = cast(ErrorJson, {key: body[key] for key in body if key not in PROBLEM_KEYS})
    if prefers_problem(request.headers.get("Accept")):
        return _object(problem_of(request, plain), PROBLEM)
    return _object(plain, JSON)


def _object(body: Mapping[str, Any], kind: str) -> HttpResponse:
    response = JsonResponse(body, status=body["status"], json_dumps_params={"ensure_ascii": False})
    response["Content-Type"] = kind
    keep_private(response)
    return response


def problem_of(request: HttpRequest, body: ErrorJson) -> ProblemJson:
    """Return an error as problem details (RFC 9457), in addition to its own keys."""
    return {
        **body,
        "type": f"{origin_of(request)}/api/v1/docs#{body['code']}",
        "title": body["code"].replace("_", " ").capitalize(),
        "detail": body["error"],
    }


def error_object(refused: Refused, request_id: str, *, is_api: bool) -> ErrorJson:
    """Return the JSON error object of a refusal (`docs/api.md`, Errors)."""
    status = refused.status
    message = (is_api and refused.rest_message) or refused.message
    fields: dict[str, list[str]] = {}
    sentence = wording.rest_sentence if is_api else wording.sentence
    if isinstance(refused, Invalid):
        status = 400 if is_api and status == Invalid.status else status
        message = _rest_message(refused) if is_api else message_of(refused)
        for problem in refused.problems:
            fields.setdefault(problem.param, []).append(sentence(problem))
    body: ErrorJson = {
        "error": message,
        "code": refused.code,
        "status": status,
        "request_id": request_id,
    }
    if fields:
        body["fields"] = fields
    if hint := hint_of(refused, is_api=is_api):
        body["hint"] = hint
    if isinstance(refused, SignInRequired):
        body["hint"] = f"{hint} {FIRST_STEPS_SENTENCE}"
    return cast(ErrorJson, {**body, **refused.extra})


def _rest_message(invalid: Invalid) -> str:
    sentence = invalid.rest_message or wording.rest_joined(invalid.problems)
    return _with_limit(sentence, invalid)


# --- Django's error handlers ----------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_refusal(request, Refused("Bad request", status=400, code="invalid"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_refusal(request, Refused())


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_refusal(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the response to an internal error, which shows only the request ID."""
    refused = Refused("Something went wrong on our side.", status=500, code="internal")
    try:
        return render_refusal(request, refused)
    except Exception:  # the error may be in the templates
        return _bare(refused)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render_refusal(
        request,
        Refused(
            "This form could not be verified, so nothing was changed.",
            code="csrf_failed",
            hint="Reload the page and send the form again.",
        ),
    )
