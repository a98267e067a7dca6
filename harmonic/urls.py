"""The whole site's map. `docs/architecture.md` says how a request finds its way here."""

from __future__ import annotations

from django.urls import include, path

from accounts.agents import pages as agents
from accounts.pages import security, session
from api.v1 import urls as rest
from collectives import pages as collectives
from collectives.administration import pages as administration
from collectives.feed import pages as feed
from collectives.items import registry as kinds
from collectives.profiles import pages as profiles
from harmonic.access import forwarding
from harmonic.mcp import pages as mcp
from harmonic.site import action_index, help, llms, styleguide, well_known
from tokens.owners import pages as owners
from tokens.pages import routes as tokens

handler400 = "harmonic.http.refusals.bad_request"
handler403 = "harmonic.http.refusals.forbidden"
handler404 = "harmonic.http.refusals.not_found"
handler500 = "harmonic.http.refusals.server_error"

# Django tries one route after the other: what is asked most stands before the rest, and
# after the few whose words would pass for a collective's handle.

# What every collective has, the main one at the root.
shared = [*rest.shared_urls(), *kinds.urls("collectives", "pages")]

# What a collective has below its own prefix only.
inside = [*shared, *feed.urls(), *collectives.urls(), *profiles.collective_urls()]

urlpatterns = [
    # Before home, whose own action index it stands in for.
    *action_index.urls(),
    *forwarding.urls(),
    *collectives.tenant_urls(),
    path("collectives/<str:collective>/", include(inside)),
    # The collective's own page, without a slash behind it.
    path("collectives/<str:collective>", include(feed.urls()[:1])),
    path("workspace/<str:collective>/", include([*inside, *rest.workspace_urls()])),
    path("workspace/<str:collective>", include(feed.urls()[:1])),
    *shared,
    *rest.tenant_urls(),
    *feed.home_urls(),
    *tokens.urls(),
    *profiles.urls(),
    *owners.urls(),
    *agents.urls(),
    *session.urls(),
    *security.urls(),
    *administration.urls(),
    *help.urls(),
    *llms.urls(),
    *mcp.urls(),
    *well_known.urls(),
    *styleguide.urls(),
]
