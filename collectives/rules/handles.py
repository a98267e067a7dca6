"""Validation of collectives' handles and tenants' subdomains."""

from __future__ import annotations

import re

from accounts.models import Tenant
from accounts.rules import is_reserved, looks_like_an_id
from collectives.models import Collective
from harmonic.kernel.refusals import Invalid, Problem

HANDLE = re.compile(r"[a-z0-9-]+")
# A label of a host name (RFC 1123).
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def checked_subdomain(sent: str) -> str:
    """Return the subdomain of a new tenant, which is also the handle of its main collective.

    Raises:
        Invalid: the subdomain is malformed, reserved as a handle, shaped like an ID, or taken.
    """
    if not SUBDOMAIN.fullmatch(sent):
        raise Invalid.of("subdomain", "malformed_subdomain")
    if is_reserved_handle(sent):
        raise Invalid.of("subdomain", "reserved")
    if looks_like_an_id(sent):
        raise Invalid.of("subdomain", "like_an_id")
    if Tenant.objects.filter(subdomain=sent).exists():
        raise Invalid.of("subdomain", "taken")
    return sent


def checked_handle(sent: str) -> str:
    """Return a valid, free handle for a collective.

    Raises:
        Invalid: the handle is blank, too long, malformed, reserved, shaped like an ID, or taken.
    """
    if not sent:
        raise Invalid.of("handle", "blank")
    if len(sent) > Collective.HANDLE_LENGTH:
        raise Invalid.of("handle", "too_long", limit=Collective.HANDLE_LENGTH)
    if not HANDLE.fullmatch(sent):
        raise Invalid.of("handle", "malformed_handle")
    if is_reserved_handle(sent):
        raise _not_available("reserved")
    if looks_like_an_id(sent):
        raise Invalid.of("handle", "like_an_id")
    if Collective.objects.filter(handle=sent).exists():
        raise _not_available("taken")
    return sent


def _not_available(code: str) -> Invalid:
    """Return the refusal of a handle. The REST contract has one sentence for both reasons."""
    return Invalid(Problem("handle", code), rest_message="Handle is not available")


def is_reserved_handle(handle: str) -> bool:
    return handle == "main" or is_reserved(handle)


def is_available(sent: str) -> bool:
    try:
        checked_handle(sent)
    except Invalid:
        return False
    return True
