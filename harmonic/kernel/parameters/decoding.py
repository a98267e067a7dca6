"""Parameters of actions: reading them from a request, and validation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from itertools import chain
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import BadRequest, TooManyFieldsSent
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from harmonic.kernel.http.methods import SAFE
from harmonic.kernel.http.negotiation import is_api_path
from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.fields import Flag, Params, StringList, widget_of
from harmonic.kernel.refusals import Invalid, Problem, Refused, Unreadable
from harmonic.kernel.rendering.text import is_blank

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
FORMS = frozenset({URLENCODED, "multipart/form-data"})

# Values of Content-Encoding that mean no encoding.
_UNCODED = frozenset({"", "identity"})
_GROUPED = re.compile(r"^\w+\[(\w+)\](\[\])?$")
MAX_DEPTH = 50


# The parameter of every write of a page.
DRY_RUN = "dry_run"
# The idempotency key in forms that create something.
FORM_KEY = "form_key"


class DryRunParams(Params):
    dry_run = Flag(required=False)


@dataclass(frozen=True, slots=True)
class RawParams:
    """The parameters as they were sent: a JSON value or the list of a form's values by name."""

    values: Mapping[str, Any] = field(default_factory=dict)
    is_form: bool = False
    # Names in the query string only, where pages may have other parameters.
    in_query: frozenset[str] = frozenset()
    # Sent by the form of a page, which shows all values: an empty field was emptied on purpose.
    is_page_form: bool = False


def read_params(request: HttpRequest) -> RawParams:
    """Read the parameters of a write: the body takes precedence over the query string.

    Raises:
        Unreadable: the body is neither a JSON object nor a form.
        Refused: its media type is not supported.
    """
    values, is_form = _body_values(request)
    if not _is_utf8(request.META.get("QUERY_STRING", "").encode("latin-1", "replace")):
        raise Unreadable("The query contains invalid UTF-8.")
    query = _lists(request.GET)
    if is_form:
        return RawParams({**query, **values}, is_form=True)
    last = {name: sent[-1] for name, sent in query.items()}
    return RawParams({**last, **values}, in_query=frozenset(last) - frozenset(values))


def read_body_params(request: HttpRequest) -> RawParams:
    """Read the parameters of a write from the body only, since URLs must not contain passwords.

    Raises:
        Unreadable: the body is neither a JSON object nor a form.
        Refused: its media type is not supported.
    """
    values, is_form = _body_values(request)
    return RawParams(values, is_form=is_form)


def _body_values(request: HttpRequest) -> tuple[Mapping[str, Any], bool]:
    """Return the values of the body, and whether it is a form."""
    check_media_type(request)
    if request.content_type == JSON and request.body.strip():
        return _json(request), False
    return _lists(_form(request)), True


def split_dry_run(raw: RawParams) -> tuple[RawParams, bool]:
    """Return the parameters without `dry_run`, and the value of that.

    Raises:
        Invalid: `dry_run` is not a boolean.
    """
    if DRY_RUN not in raw.values:
        return raw, False
    asked = validated(DryRunParams, replace(raw, values={DRY_RUN: raw.values[DRY_RUN]}))
    values = {name: value for name, value in raw.values.items() if name != DRY_RUN}
    return replace(raw, values=values), asked.get(DRY_RUN, False)


def read_body(request: HttpRequest) -> None:
    """Check the size and media type of a body and read it into memory.

    The API accepts any media type on routes that do not read a body.

    Raises:
        Unreadable: the body is incomplete, or its chunks are malformed.
        Refused: the body is too large or compressed, or has an unsupported media type.
    """
    length = _length(request)
    if not length:
        return
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise too_large()
    if request.headers.get("Content-Encoding", "").lower() not in _UNCODED:
        raise _unsupported_coding()
    if request.method not in SAFE and not is_api_path(request.path):
        check_media_type(request)
    try:
        is_whole = len(request.body) == length
    except UnreadablePostError as error:
        raise incomplete_body() from error
    if not is_whole:
        raise incomplete_body()


def check_media_type(request: HttpRequest) -> None:
    """Require a media type from which parameters can be read, if there is a body.

    Raises:
        Refused: 415, the media type is not supported.
    """
    if _length(request) and request.content_type not in FORMS | {JSON}:
        raise unsupported_media_type()


def _length(request: HttpRequest) -> int:
    return int(request.META.get("CONTENT_LENGTH") or 0)


def _json(request: HttpRequest) -> dict[str, Any]:
    sent = request.body
    try:
        body = json.loads(sent, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Unreadable("The body must be a JSON object.")
    if sent.count(b"{") + sent.count(b"[") > MAX_DEPTH and _is_deep(body):
        raise Unreadable(f"The body is nested too deeply (maximum {MAX_DEPTH} levels).")
    return body


def _is_deep(body: dict[str, Any]) -> bool:
    """Return whether objects and lists are nested beyond `MAX_DEPTH`."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        children = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for each in chain(*children) if isinstance(each, dict | list)]
    return bool(level)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _form(request: HttpRequest) -> QueryDict:
    # Django would silently replace invalid UTF-8.
    if request.content_type == URLENCODED and not _is_utf8(request.body):
        raise Unreadable("The form contains invalid UTF-8.")
    try:
        return _posted(request)
    except (MultiPartParserError, TooManyFieldsSent, BadRequest, ValueError) as error:
        raise Unreadable("The form cannot be read.") from error


def _posted(request: HttpRequest) -> QueryDict:
    """Return the values of a form of any method; Django reads those of POST only."""
    if request.content_type not in FORMS:
        return QueryDict()
    if request.method == "POST":
        return request.POST
    if request.content_type == URLENCODED:
        return QueryDict(request.body, encoding=request.encoding)
    body = BytesIO(request.body)
    parser = MultiPartParser(request.META, body, request.upload_handlers, request.encoding)
    return parser.parse()[0]


def _is_utf8(quoted: bytes) -> bool:
    try:
        unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False
    return True


def too_large() -> Refused:
    return Refused("The body is too large (maximum 16 MB).", status=413, code="payload_too_large")


def incomplete_body() -> Refused:
    return Unreadable("The body broke off, or its chunks are malformed.")


def unsupported_media_type() -> Refused:
    return Refused(
        "The body's media type is not supported.",
        status=415,
        code="unsupported_media_type",
        hint="Send application/json, application/x-www-form-urlencoded or multipart/form-data.",
    )


def _unsupported_coding() -> Refused:
    return Refused(
        "A compressed body is not supported.",
        status=415,
        code="unsupported_media_type",
        hint="Send it without Content-Encoding.",
        headers={"Accept-Encoding": "identity"},
    )


def _lists(form: QueryDict) -> dict[str, list[str]]:
    """Return the values of a form by flat name, also of `api_token[name]` and `scopes[]`.

    A name in brackets takes precedence over the same name without brackets.
    """
    plain: dict[str, list[str]] = {}
    nested: dict[str, list[str]] = {}
    for key in form:
        values = nested if _GROUPED.match(key) else plain
        values.setdefault(flat_name(key), []).extend(str(value) for value in form.getlist(key))
    return {**plain, **nested}


def flat_name(key: str) -> str:
    """Return the parameter that a form's key names: `title` for `note[title]`."""
    grouped = _GROUPED.match(key)
    return grouped[1] if grouped else key.removesuffix("[]")


Fields = Mapping[str, serializers.Field[Any, Any, Any, Any]]


@cache
def declared_fields(serializer_class: type[Params]) -> Fields:
    """Return the fields of a serializer, which must not be changed."""
    return serializer_class().fields


def validated(serializer_class: type[Params] | None, raw: RawParams) -> dict[str, Any]:
    """Return the declared parameters, converted to their types.

    Optional parameters that are absent, null or blank (except text) are left out.

    Raises:
        Invalid: a parameter is invalid; it has a problem for each of them.
    """
    if serializer_class is None:
        return {}
    declared = declared_fields(serializer_class)
    serializer = serializer_class(data=_taken(declared, raw))
    problems = _emptied(declared, raw)
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        others = wording.problems_of(error, serializer)
        one_each = {problem.param: problem for problem in [*problems, *others]}
        raise Invalid(*in_order(serializer_class, one_each.values())) from error
    if problems:
        raise Invalid(*problems)
    return dict(serializer.validated_data)


def valid_value(serializer_class: type[Params], raw: RawParams, name: str) -> Any:
    """Return one parameter, converted to its type; None if it is absent, null or invalid."""
    declared = declared_fields(serializer_class).get(name)
    if declared is None or name not in raw.values:
        return None
    try:
        return declared.run_validation(_value(declared, raw.values[name], raw.is_form))
    except ValidationError:
        return None


def _emptied(declared: Fields, raw: RawParams) -> list[Problem]:
    """Return the problems of blank fields that are required in the form of a page.

    Programs send a blank value to keep the current one. A form shows the current value, so a blank
    field was emptied on purpose.
    """
    if not raw.is_page_form:
        return []
    return [
        Problem(name, "blank")
        for name, field_ in declared.items()
        if name in raw.values
        and widget_of(field_).is_required
        and is_blank(str(_value(field_, raw.values[name], is_form=True)))
    ]


def in_order(serializer_class: type[Params], problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in the order of the form."""
    order = {name: number for number, name in enumerate(declared_fields(serializer_class))}
    return sorted(problems, key=lambda problem: order.get(problem.param, len(order)))


def _taken(declared: Fields, raw: RawParams) -> dict[str, Any]:
    taken = {}
    for name, declared_field in declared.items():
        if name not in raw.values:
            continue
        value = _value(declared_field, raw.values[name], raw.is_form)
        if _counts_as_given(declared_field, value):
            taken[name] = value
    return taken


def _value(declared: serializers.Field[Any, Any, Any, Any], value: Any, is_form: bool) -> Any:
    if not is_form:
        return value
    if isinstance(declared, serializers.ListField):
        return value
    last = value[-1] if isinstance(value, list) else value
    # A form sends an empty marker before each checkbox, so that unchecked differs from absent.
    return False if isinstance(declared, Flag) and last == "" else last


def _counts_as_given(declared: serializers.Field[Any, Any, Any, Any], value: Any) -> bool:
    if declared.required:
        return True
    if value is None:
        return bool(declared.allow_null)
    is_text = isinstance(declared, serializers.CharField)
    return is_text or isinstance(declared, StringList) or value != ""


def unknown_names(serializer_class: type[Params] | None, raw: RawParams) -> list[str]:
    """Return the names of sent parameters that the action does not declare."""
    if raw.is_form:
        return []
    declared = declared_fields(serializer_class) if serializer_class else {}
    return [name for name in raw.values if name not in declared and name not in raw.in_query]
