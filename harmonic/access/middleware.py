"""The access middleware, the only place that decides caller, place and permission.

`docs/architecture.md` shows one request on its way through.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.db import Error
from django.http import HttpResponse
from django.utils import timezone

from harmonic.access import forwarding
from harmonic.access.checks import check, rule_of
from harmonic.access.credentials import has_credentials
from harmonic.access.deciding import RequestAccessDecider, Route
from harmonic.access.hosts import handle_in_path, subdomain_of, with_action_from_query
from harmonic.access.rate_limits import (
    add_rate_limit_headers,
    count_request,
    refuse_exceeded,
)
from harmonic.http.outages import outage_of, outage_response
from harmonic.http.refusals import render_refusal
from harmonic.kernel.access import Access, TenantFacts
from harmonic.kernel.database.tenancy import NO_ID, bind_tenant
from harmonic.kernel.http.client_address import client_address
from harmonic.kernel.http.negotiation import API_VERSION, Format, choose, is_api_path, split_suffix
from harmonic.kernel.http.query import Query
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.refusals import NotFound, Refused, Unreadable
from harmonic.kernel.rendering.documents import origin_of
from harmonic.kernel.rendering.text import is_acceptable
from tokens import usage

GetResponse = Callable[[AccessRequest], HttpResponse]

NO_TENANT = TenantFacts(NO_ID, "", "Harmonic", "UTC", False)


class AccessMiddleware:
    """Middleware that sets `request.access` and enforces the rule of the route."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: AccessRequest) -> HttpResponse:
        request.counts = ()
        # The token sent with the request, valid or not.
        request.known_token = None
        # The person whose session ended with this request.
        request.ended_user_id = None
        try:
            self._enter(request)
        except Refused as refused:
            response = render_refusal(request, refused)
        except Error as error:
            response = self._outage(request, error)
        else:
            response = self.get_response(request)
        finally:
            bind_tenant(None)
        if outage_of(request) is None:
            usage.record_request(request, request.known_token, getattr(request, "refused", None))
        is_api = is_api_path(request.path)
        if is_api:
            response["API-Version"] = API_VERSION
        if is_api or request.access.format != Format.HTML:
            add_rate_limit_headers(response, request.counts)
        return response

    def _outage(self, request: AccessRequest, error: Error) -> HttpResponse:
        response = outage_response(request, error)
        if response is None:
            raise error
        return response

    # --- Caller and place -------------------------------------------------------------------

    def _enter(self, request: AccessRequest) -> None:
        suffix = self._normalize_path(request)
        subdomain = subdomain_of(request)
        request.access = self._anonymous(request, suffix)
        try:
            self._find(request, subdomain)
            if request.refused_body is not None:
                raise request.refused_body
        except Refused:
            # Refused credentials count too, to limit guessing.
            self._count(request)
            raise
        self._count(request)

    def _count(self, request: AccessRequest) -> None:
        """Count the request against the limits of its caller, and enforce them."""
        access: Access = request.access
        request.counts = count_request(request, access)
        refuse_exceeded(access, request.counts)

    def _find(self, request: AccessRequest, subdomain: str | None) -> None:
        if not request.is_host_ours:
            raise NotFound
        if subdomain is None:
            request.urlconf = settings.FRONT_DOOR_URLCONF
            return
        if not is_acceptable(request.path_info):
            raise NotFound
        if not all(is_acceptable(f"{key}{value}") for key, value in request.GET.items()):
            raise Unreadable("The query contains characters that are not allowed.")
        blank = request.access
        earlier = getattr(request, "earlier_lookup", None)
        place = handle_in_path(blank.path)
        access = RequestAccessDecider(request, blank, subdomain, place, earlier=earlier).decide()
        forwarded = forwarding.path_of(access)
        if forwarded:
            request.path_info = request.path = forwarded
            blank = replace(blank, path=forwarded)
            access = RequestAccessDecider(
                request, blank, subdomain, handle_in_path(forwarded)
            ).decide()
        request.access = access

    def _normalize_path(self, request: AccessRequest) -> Format | None:
        """Normalize the path of the request, and return the format requested by its suffix."""
        path = re.sub(r"/{2,}", "/", request.path_info)
        path = with_action_from_query(request, path)
        path, suffix = split_suffix(path)
        if len(path) > 1:
            path = path.rstrip("/")
        request.path_info = request.path = path
        return suffix

    def _anonymous(self, request: AccessRequest, suffix: Format | None) -> Access:
        path = request.path_info
        is_api = is_api_path(path)
        wanted = choose(
            accept=request.headers.get("Accept"),
            content_type=request.content_type,
            suffix=suffix,
            has_token=has_credentials(request),
            is_api=is_api,
        )
        request.is_format_refused = wanted is None
        return Access(
            now=timezone.now(),
            host=settings.HOST,
            path=path,
            format=wanted or Format.MARKDOWN,
            tenant=NO_TENANT,
            query=Query(request.GET.dict()),
            has_suffix=suffix is not None,
            remote_address=client_address(request),
            origin=origin_of(request) if request.is_host_ours else "",
        )

    # --- Permission -------------------------------------------------------------------------

    def process_view(
        self,
        request: AccessRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        access = request.access
        kwargs.pop("collective", None)
        rule = rule_of(view)
        if rule is None:
            raise ImproperlyConfigured(f"The view of {request.path} declares no access rule.")
        if access.tenant is not NO_TENANT:
            bind_tenant(access.tenant.id)
        if isinstance(access.decider, RequestAccessDecider):
            access.decider.route = Route(rule, view, kwargs)
        try:
            check(request, access, rule, view, kwargs)
        except Refused as refused:
            return render_refusal(request, refused)
        return None

    def process_exception(self, request: AccessRequest, error: Exception) -> HttpResponse | None:
        """Return the response to a refusal raised by a page, an action or a form."""
        if isinstance(error, Refused):
            return render_refusal(request, error)
        if isinstance(error, SuspiciousOperation):
            return render_refusal(request, Refused("Bad request", status=400, code="invalid"))
        return None
