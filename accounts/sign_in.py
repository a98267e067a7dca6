"""Authentication with e-mail and password, and the limit on wrong passwords.

django-axes counts the failures by client address and by account.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.signals import user_logged_in
from django.db.models import Max, Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from harmonic.kernel.access import UserType
from harmonic.kernel.http.client_address import client_address, is_exempt, rate_limit_address
from harmonic.kernel.rendering.text import folded


class PasswordBackend(BaseBackend):
    """Authentication backend for people. Agents and identities of collectives have no password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        human = User.objects.filter(user_type=UserType.HUMAN)
        user = human.filter(email_key=account_key(username)).first()
        if user is None:
            # Takes as long as checking a wrong password, which hides whether the account exists.
            User().set_password(password)
            return None
        return user if user.check_password(password) else None

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id).first()


def check_password(request: HttpRequest, email: str, password: str) -> User | None:
    """Return the person with this e-mail and password. Otherwise count a failure, return None."""
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        return None
    user_logged_in.send(sender=User, request=request, user=user)
    return user


def blocked_until(request: HttpRequest, email: str) -> datetime | None:
    """Return when sign-in is possible again for an account and client address, None if it is."""
    if AxesProxyHandler.is_allowed(request, {"username": email}):
        return None
    failures = AccessAttempt.objects.filter(
        Q(username=account_key(email)) | Q(ip_address=address_of_failure(request))
    )
    latest = failures.aggregate(latest=Max("attempt_time"))["latest"] or timezone.now()
    until: datetime = latest + settings.AXES_COOLOFF_TIME
    return until


def account_key(email: str) -> str:
    """Return the key by which an account is found and its wrong passwords are counted."""
    return folded(email.strip())


def account_of_failure(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the account key that a wrong password counts for, for django-axes."""
    return account_key(str((credentials or {}).get("username") or ""))


def address_of_failure(request: HttpRequest) -> str | None:
    """Return the client address for which a wrong password is counted; None if it is unknown."""
    return rate_limit_address(client_address(request)) or None


def is_exempt_from_the_limit(
    request: HttpRequest, credentials: dict[str, Any] | None = None
) -> bool:
    """Return whether a caller's wrong passwords are counted but never refused."""
    return is_exempt(client_address(request))
