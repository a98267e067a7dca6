"""Pages that sign people in and out, and that ask for the password again (reverification)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.models import Tenant, TenantUser, User
from accounts.sign_in import account_key, blocked_until, check_password
from harmonic.access import kept_forms, sessions
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.methods import READS, method_not_allowed
from harmonic.kernel.http.negotiation import Format
from harmonic.kernel.http.redirects import local_path
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.operations import audit
from harmonic.kernel.pages import require_read_method, sign_in_notice, with_rule
from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.decoding import read_body_params, validated
from harmonic.kernel.parameters.fields import EmailAddress, Exact, Params
from harmonic.kernel.refusals import LIFT_SUSPENSION, Forbidden, Invalid, Refused
from harmonic.kernel.rendering.documents import Document, keep_private, respond

WRONG = "The e-mail address or password is incorrect."
SUSPENDED = "Account Suspended"
KEPT_MINUTES = int(kept_forms.KEPT_FOR.total_seconds() // 60)
NOTHING_KEPT = (
    f"There is no form to send again. A form is kept for {KEPT_MINUTES} minutes, for the person"
    " who sent it."
)
# The length of the longest request line that the server accepts.
TARGET_LENGTH = 8190
# Characters of a value that a refused form shows again.
SHOWN_AGAIN = 2000
FIELD_NAMES = {
    "email": "e-mail address",
    "auth_key": "e-mail address",
    "password": "password",
    "scope": "scope",
}


def problems_as_text(invalid: Invalid) -> str:
    """Return the problems of a form's parameters as sentences."""
    return " ".join(
        f"The {FIELD_NAMES.get(each.param, 'return address')} {wording.reason(each)}."
        for each in invalid.problems
    )


def sent_text(request: AccessRequest, *names: str) -> str:
    """Return the first value that a form sent under these names, if it is short enough to show."""
    sent = next(filter(None, (request.POST.get(name, "") for name in names)), "")
    return sent if len(sent) <= SHOWN_AGAIN else ""


def access_of(request: AccessRequest) -> Access:
    return request.access


def see_other(request: AccessRequest, target: str) -> HttpResponse:
    status = 302 if request.method in READS else 303
    response = HttpResponseRedirect(target, status=status)
    keep_private(response)
    return response


# --- Sign-in --------------------------------------------------------------------------------


class SignInParams(Params):
    email = EmailAddress(required=False, allow_blank=True, max_length=User.EMAIL_LENGTH)
    # The name that public clients send.
    auth_key = EmailAddress(required=False, allow_blank=True, max_length=User.EMAIL_LENGTH)
    password = Exact(required=False, allow_blank=True, max_length=User.LONGEST_PASSWORD)
    redirect_to_resource = Exact(required=False, allow_blank=True, max_length=TARGET_LENGTH)


def login(request: AccessRequest) -> HttpResponse:
    if request.method == "POST":
        return _sign_in(request)
    if request.method not in READS:
        raise method_not_allowed("GET, HEAD, POST")
    access = access_of(request)
    then = request.GET.get("redirect_to_resource", "")
    if access.actor is not None and access.token is None:
        return see_other(request, local_path(then))
    return _form(request, then=then)


def _form(request: AccessRequest, *, then: str, email: str = "", error: str = "") -> HttpResponse:
    access = access_of(request)
    with tenant_bound(access.tenant.id):
        notice = sign_in_notice(access, then)
    is_kept = kept_forms.has_form(request.session, access.now)
    document = Document(
        title="Sign in",
        template="accounts/sign_in.html",
        context={
            "then": then,
            "email": email,
            "error": error,
            "notice": notice,
            "kept_minutes": KEPT_MINUTES if is_kept else 0,
        },
        status=422 if error else 200,
        error=error,
    )
    return respond(request, access, document)


def _sign_in(request: AccessRequest) -> HttpResponse:
    try:
        sent = validated(SignInParams, read_body_params(request))
    except Invalid as invalid:
        return _form(
            request,
            then=sent_text(request, "redirect_to_resource"),
            email=sent_text(request, "email", "auth_key"),
            error=problems_as_text(invalid),
        )
    email = sent.get("email") or sent.get("auth_key", "")
    password = sent.get("password", "")
    then = sent.get("redirect_to_resource", "")
    _require_unlocked(request, email)
    user = check_password(request, email, password)
    access = access_of(request)
    if user is None:
        audit.record(
            "login_failure",
            access,
            warn=True,
            reason="invalid_credentials",
            person_id=_account_in_tenant(access, email),
        )
        return _form(request, then=then, email=email, error=WRONG)
    _require_member(access, user)
    kept_forms.discard_of_others(request.session, user.id, access.tenant.id)
    sessions.start(request.session, user.id, access.tenant.id, access.now)
    audit.record("login_success", access, user_id=user.id)
    return see_other(request, local_path(then))


def _account_in_tenant(access: Access, email: str) -> UUID | None:
    """Return the user with an e-mail address in this tenant, whose log gets the failure."""
    with tenant_bound(access.tenant.id):
        rows = TenantUser.objects.filter(user__email_key=account_key(email))
        return rows.values_list("user_id", flat=True).first()


def _require_unlocked(request: AccessRequest, email: str) -> None:
    until, access = blocked_until(request, email), access_of(request)
    if until is None:
        return
    seconds = max(1, math.ceil((until - access.now).total_seconds()))
    minutes = math.ceil(seconds / 60)
    local = until.astimezone(access.tenant.zone)
    audit.record("rate_limited", access, warn=True)
    raise Refused(
        "Too many wrong passwords.",
        status=429,
        code="rate_limited",
        hint=(
            f"Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}"
            f" ({local:%H:%M} {access.tenant.timezone})."
        ),
        headers={"Retry-After": str(seconds)},
    )


def _require_member(access: Access, user: User) -> None:
    if user.suspended_at is not None:
        audit.record("suspended_login_attempt", access, warn=True, user_id=user.id)
        raise Forbidden(
            SUSPENDED,
            hint=f"This account is suspended. {LIFT_SUSPENSION}",
            code="suspended",
        )
    with tenant_bound(access.tenant.id):
        is_member = TenantUser.objects.filter(user=user, archived_at=None).exists()
    if not is_member:
        raise Forbidden(
            f"You do not belong to {access.tenant.name}.",
            hint="Ask one of its members for an invitation.",
            code="not_a_member",
        )


# --- Sign-out -------------------------------------------------------------------------------


def logout(request: AccessRequest) -> HttpResponse:
    access = access_of(request)
    if request.method in {"POST", "DELETE"}:
        _end_session(request, access)
        return see_other(request, "/logout-success")
    if request.method not in READS:
        raise method_not_allowed("GET, HEAD, POST, DELETE")
    return _note(request, "Sign out", "accounts/sign_out.html")


@transaction.atomic
def _end_session(request: AccessRequest, access: Access) -> None:
    if access.actor is not None and access.token is None:
        # Waits until the writes of this session have ended, and prevents later ones.
        Tenant.objects.filter(id=access.tenant.id).change_access()
        audit.record("logout", replace(access, now=timezone.now()))
    request.session.flush()


def logout_success(request: AccessRequest) -> HttpResponse:
    require_read_method(request)
    return _note(request, "You are signed out", "accounts/signed_out.html")


def _note(request: AccessRequest, title: str, template: str, **context: Any) -> HttpResponse:
    return respond(request, access_of(request), Document(title, template, context))


# --- Reverification -------------------------------------------------------------------------


class ReverificationParams(Params):
    scope = Exact(required=False, allow_blank=True, max_length=100)
    then = Exact(required=False, allow_blank=True, max_length=TARGET_LENGTH)
    password = Exact(required=False, allow_blank=True, max_length=User.LONGEST_PASSWORD)


def reverify(request: AccessRequest) -> HttpResponse:
    scope, then = request.GET.get("scope", ""), request.GET.get("then", "")
    if request.method == "POST":
        try:
            sent = validated(ReverificationParams, read_body_params(request))
        except Invalid as invalid:
            return _password_form(request, scope, then, problems_as_text(invalid))
        return _verify(
            request,
            sent.get("scope") or scope,
            sent.get("then") or then,
            sent.get("password", ""),
        )
    if request.method not in READS:
        raise method_not_allowed("GET, HEAD, POST")
    return _password_form(request, scope, then)


def _password_form(request: AccessRequest, scope: str, then: str, error: str = "") -> HttpResponse:
    access = access_of(request)
    document = Document(
        title="Confirm your password",
        template="accounts/reverify.html",
        context={"scope": scope, "then": then, "error": error, "email": _email(access)},
        status=422 if error else 200,
        error=error,
    )
    return respond(request, access, document)


def _email(access: Access) -> str:
    """Return the address that the caller signs in with."""
    return User.objects.values_list("email", flat=True).get(id=access.user.user_id)


def _verify(request: AccessRequest, scope: str, then: str, password: str) -> HttpResponse:
    access = access_of(request)
    if access.token is not None or scope not in sessions.REVERIFICATION_SCOPES:
        raise Refused(
            "There is nothing to confirm",
            status=400,
            code="invalid",
            hint="You are asked for your password when you open a page that needs it.",
        )
    email = _email(access)
    _require_unlocked(request, email)
    if check_password(request, email, password) is None:
        audit.record("reverification_failure", access, warn=True, scope=scope)
        return _password_form(request, scope, then, "The password is incorrect.")
    sessions.record_verification(request.session, scope, access.now)
    audit.record("reverification_success", access, scope=scope)
    return see_other(request, local_path(then))


def replay(request: AccessRequest) -> HttpResponse:
    """Show the form interrupted by sign-in or reverification, to be sent again."""
    require_read_method(request)
    access = access_of(request)
    if access.token is not None or access.format != Format.HTML:
        return see_other(request, "/")
    form = kept_forms.kept_form(request.session, access)
    if form is None:
        messages.warning(request, NOTHING_KEPT)
        return see_other(request, "/")
    return _note(request, "Send your form again", "accounts/replay.html", form=form)


def urls() -> list[URLPattern]:
    public, tenant = Rule(AccessLevel.PUBLIC), Rule(AccessLevel.TENANT)
    return [
        path("login", with_rule(login, public), name="login"),
        path("auth/identity/callback", with_rule(login, public), name="login.callback"),
        path("logout", with_rule(logout, public), name="logout"),
        path("logout-success", with_rule(logout_success, public), name="logout_success"),
        path("reverify", with_rule(reverify, tenant), name="reverify"),
        path("reverify/replay", with_rule(replay, tenant), name="reverify.replay"),
    ]
