"""The whole site's map. `docs/architecture.md` says how a request finds its way here."""

from __future__ import annotations

from django.urls import include, path

from accounts.pages import admin, agents, people, security, session
from api.v1 import urls as rest
from collectives import pages as collectives
from collectives.feed import pages as feed
from collectives.notes import pages as notes
from harmonic import forwarding, help, llms, site_actions, styleguide, well_known
from tokens import pages as tokens

handler400 = "harmonic.refusals.bad_request"
handler403 = "harmonic.refusals.forbidden"
handler404 = "harmonic.refusals.not_found"
handler500 = "harmonic.refusals.server_error"

# What every collective has, the main one at the root.
shared = [*notes.urls(), *rest.shared_urls()]

# What a collective has below its own prefix only.
inside = [*feed.urls(), *collectives.urls(), *people.collective_urls(), *shared]

urlpatterns = [
    # Before home, whose own action index it stands in for.
    *site_actions.urls(),
    *feed.home_urls(),
    *help.urls(),
    *llms.urls(),
    *well_known.urls(),
    *styleguide.urls(),
    *forwarding.urls(),
    *session.urls(),
    *admin.urls(),
    *security.urls(),
    *agents.urls(),
    *collectives.tenant_urls(),
    *tokens.urls(),
    *people.urls(),
    *rest.tenant_urls(),
    *shared,
    path("collectives/<str:collective>/", include(inside)),
    path("workspace/<str:collective>/", include([*inside, *rest.workspace_urls()])),
    # The collective's own page, without a slash behind it.
    path("collectives/<str:collective>", include(feed.urls()[:1])),
    path("workspace/<str:collective>", include(feed.urls()[:1])),
]
