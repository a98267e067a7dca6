"""The page of the unsubscribe link in e-mails.

A GET changes nothing, because programs that scan e-mails open their links. The button of the page
and that of the mail program (RFC 8058) send a POST. The signed path replaces a session.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import URLPattern, path

from collectives.notifications.emails.content import TOPICS
from collectives.notifications.emails.links import Subscription, subscription_of
from collectives.notifications.models import Channel
from collectives.notifications.preferences.rules import choices_of, choose
from harmonic.kernel.access import Access, AccessLevel, Rule
from harmonic.kernel.database.tenancy import tenant_bound
from harmonic.kernel.http.methods import READS, method_not_allowed
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import RoutedView
from harmonic.kernel.refusals import NotFound
from harmonic.kernel.rendering.documents import Document, respond


def unsubscribe(request: AccessRequest, signed: str) -> HttpResponse:
    """Show the unsubscribe button, or unsubscribe the user."""
    access = request.access
    subscription = _found(access, signed)
    if request.method not in READS | {"POST"}:
        raise method_not_allowed("GET, HEAD, POST")
    with tenant_bound(access.tenant.id):
        if request.method == "POST":
            stop(subscription)
        document = _page(access, subscription)
        return respond(request, access, document)


def stop(subscription: Subscription) -> None:
    """Disable e-mails of one type for one user."""
    off = {subscription.notification_type.value: {Channel.EMAIL.value: False}}
    choose(subscription.user_id, subscription.tenant_id, off)


def _found(access: Access, signed: str) -> Subscription:
    subscription = subscription_of(signed)
    if subscription is None or subscription.tenant_id != access.tenant.id:
        raise NotFound(
            "This unsubscribe link is not valid.",
            hint="Open the link in the e-mail again, or sign in and open /settings/notifications.",
        )
    return subscription


def _page(access: Access, subscription: Subscription) -> Document:
    kind = subscription.notification_type
    is_on = choices_of(subscription.user_id)[kind][Channel.EMAIL]
    return Document(
        title="Unsubscribe",
        heading="Unsubscribe from these e-mails?" if is_on else "You are unsubscribed",
        template="notifications/unsubscribe.html",
        context={
            "is_on": is_on,
            "topic": TOPICS[kind],
            "tenant_name": access.tenant.name,
            "path": access.path,
        },
    )


def urls() -> list[URLPattern]:
    view = RoutedView(unsubscribe, Rule(AccessLevel.PUBLIC), csrf_exempt=True)
    return [path("notifications/unsubscribe/<str:signed>", view, name="notifications.unsubscribe")]
