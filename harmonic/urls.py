"""The URL configuration of a tenant's host. `docs/architecture.md` describes routing."""

from __future__ import annotations

from django.urls import include, path

from accounts.agents import connecting
from accounts.agents import pages as agents
from accounts.pages import security, session
from api.v1 import urls as rest
from collectives import pages as collectives
from collectives.administration import pages as administration
from collectives.cycles import pages as cycles
from collectives.feed import pages as feed
from collectives.items import registry as kinds
from collectives.links import pages as links
from collectives.notifications import pages as notifications
from collectives.profiles import pages as profiles
from collectives.reports import pages as reports
from collectives.search import pages as search
from harmonic.access import forwarding
from harmonic.agent_log import pages as agent_log
from harmonic.jobs import pages as jobs
from harmonic.mcp import pages as mcp
from harmonic.runner import pages as runs
from harmonic.site import action_index, help, llms, styleguide, well_known
from tokens.owners import pages as owners
from tokens.pages import routes as tokens

handler400 = "harmonic.http.refusals.bad_request"
handler403 = "harmonic.http.refusals.forbidden"
handler404 = "harmonic.site.not_found.not_found"
handler500 = "harmonic.http.refusals.server_error"

# Django tries routes in order, so the most requested come first, after the few whose names
# could be read as a collective's handle.

# Routes of every collective; those of the main collective are at the root.
shared = [
    *rest.shared_urls(),
    *kinds.urls("collectives", "pages"),
    *cycles.urls(),
    *links.urls(),
]

# Routes of a collective that exist only below its own prefix.
inside = [
    *shared,
    *feed.urls(),
    *cycles.inside_urls(),
    *collectives.urls(),
    *profiles.collective_urls(),
]

urlpatterns = [
    # Before home, whose action index it replaces.
    *action_index.urls(),
    *forwarding.urls(),
    *collectives.tenant_urls(),
    path("collectives/<str:collective>/", include(inside)),
    # The collective's page, without a trailing slash.
    path("collectives/<str:collective>", include(feed.urls()[:1])),
    path("workspace/<str:collective>/", include([*inside, *rest.workspace_urls()])),
    path("workspace/<str:collective>", include(feed.urls()[:1])),
    *shared,
    *rest.tenant_urls(),
    *feed.home_urls(),
    *tokens.urls(),
    *profiles.urls(),
    *notifications.urls(),
    *search.urls(),
    *owners.urls(),
    *agents.urls(),
    *connecting.urls(),
    *session.urls(),
    *security.urls(),
    *administration.urls(),
    *reports.urls(),
    *jobs.urls(),
    *help.urls(),
    *llms.urls(),
    *mcp.urls(),
    *runs.urls(),
    *agent_log.urls(),
    *well_known.urls(),
    *styleguide.urls(),
]
