"""Reading idempotency keys, and the digests that identify a request with a key."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from harmonic.kernel.access import Access
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.parameters.decoding import FORM_KEY, FORMS, read_body_params, read_params
from harmonic.kernel.refusals import Refused
from harmonic.kernel.rendering.text import folded

HEADER = "Idempotency-Key"
KEY_LENGTH = 255
_KEY = re.compile(
    rf'"([\x20-\x21\x23-\x7e]{{1,{KEY_LENGTH}}})"'
    rf"|([\x21\x23-\x7e][\x20-\x7e]{{0,{KEY_LENGTH - 1}}})"
)
_PLACE = re.compile(r"/(collectives|workspace)/(?P<handle>[^/]+)(?=/)")
CSRF_FIELD = "csrfmiddlewaretoken"


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """The identity of a POST with a key: caller, path, and the digests of key and parameters."""

    access: Access
    path: str
    key_digest: str
    body_digest: str
    is_form: bool = False


def form_key(request: AccessRequest) -> str:
    """Return the key of a form, or "" if it has no valid one."""
    if request.content_type not in FORMS:
        return ""
    try:
        keys = read_body_params(request).values.get(FORM_KEY) or [""]
    except Refused:
        return ""
    return keys[-1] if _KEY.fullmatch(keys[-1]) else ""


def identity_of_form(request: AccessRequest, key: str) -> RequestIdentity:
    """Return the identity of a form. Its parameters are part of the key: a changed form is new."""
    access = request.access
    path = _path(access)
    body = _body_digest(request)
    identified_by = f"form\n{path}\n{key}\n{body}"
    return RequestIdentity(access, path, _digest(identified_by.encode()), body, is_form=True)


def identity_of(request: AccessRequest) -> RequestIdentity:
    access = request.access
    method, path = request.method or "", _path(access)
    identified_by = f"{method}\n{path}\n{_key(request.headers[HEADER])}"
    return RequestIdentity(access, path, _digest(identified_by.encode()), _body_digest(request))


def _path(access: Access) -> str:
    """Return the path of a request with the canonical prefix of its collective."""
    named, place = _PLACE.match(access.path), access.place
    if named is None or place is None or folded(named["handle"]) != place.handle:
        return access.path
    return f"{place.path}{access.path[named.end() :]}"


def _key(header: str) -> str:
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise Refused(
            f"{HEADER} must be 1 to 255 printable ASCII characters, bare or in double quotes.",
            status=400,
            code="idempotency_key_invalid",
        )
    return match[1] or match[2]


def _body_digest(request: AccessRequest) -> str:
    """Return the digest of the parameters, or of the bytes if the parameters cannot be read."""
    try:
        sent = read_params(request).values.items()
        values = json.dumps(
            {name: value for name, value in sent if name != CSRF_FIELD}, sort_keys=True
        ).encode()
    except Refused:
        values = f"{request.META.get('QUERY_STRING', '')}\n".encode() + request.body
    return _digest(values)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
