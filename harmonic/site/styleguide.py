"""The style guide: every component of the style sheet in both themes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.queries import Person
from harmonic.kernel.access import Access, AccessLevel, Rule, UserType
from harmonic.kernel.http.request import AccessRequest
from harmonic.kernel.pages import require_read_method, with_rule
from harmonic.kernel.refusals import Link, NotFound
from harmonic.kernel.rendering.documents import Document, respond
from harmonic.site.context import NavLink
from harmonic.templatetags.forms import BoundField, Form, Option

ALICE = Person(UUID(int=1), "alice", "Alice", UserType.HUMAN)
SCOUT = Person(UUID(int=2), "scout", "scout", UserType.AI_AGENT, "Alice", "alice")
TEXT = """## Before you sharpen

A dull knife slips, a *sharp* one cuts. See the [rota](/collectives/kitchen) and `whetstone.md`.

- [x] Soak the stone
- [ ] Fifteen degrees a side

> Never in the dishwasher.

| Knife | Last done |
| --- | --- |
| Bread | in May |

```
knife --angle 15
```
"""


def styleguide(request: AccessRequest) -> HttpResponse:
    """Show the components, in local environments only.

    Raises:
        NotFound: in production.
    """
    require_read_method(request)
    if settings.ENV != "local":
        raise NotFound
    access = request.access
    return respond(request, access, Document("Style guide", "styleguide.html", shown(access)))


def shown(access: Access) -> dict[str, Any]:
    return {
        "panes": [(theme, _form(theme)) for theme in ("light", "dark")],
        "crumbs": [Link("Settings", "/settings"), Link("API tokens", "/settings")],
        "alice": ALICE,
        "scout": SCOUT,
        "text": TEXT,
        "lately": access.now - timedelta(hours=3),
        "later": access.now + timedelta(days=340),
        "links": [
            NavLink("/", "Home", "house", current=True),
            NavLink("/help", "Help", "circle-question-mark", current=False),
        ],
    }


def _form(theme: str) -> Form:
    """Return a form with each kind of field, as shown after a refused submission."""
    fields = (
        BoundField(
            "name",
            "Name",
            "text",
            "",
            f"{theme}-name",
            help="Where you will use it.",
            errors=("Is required",),
            required=True,
            maxlength=255,
        ),
        BoundField(
            "text", "Text", "textarea", "The text stays after a refusal.", f"{theme}-text", rows=3
        ),
        BoundField(
            "read_write",
            "Access",
            "radios",
            "read",
            f"{theme}-read_write",
            options=(
                Option(
                    "read", "Read only", "Sees what you see and changes nothing.", selected=True
                ),
                Option("write", "Read + write", "Can also do what you can do."),
                Option("all", "Everything", disabled=True, disabled_reason="No token can do this."),
                Option("custom", "Custom", "Shows the boxes below."),
            ),
        ),
        BoundField(
            "capabilities",
            "Capabilities",
            "checkboxes",
            ["vote"],
            f"{theme}-capabilities",
            options=(
                Option("create_note", "Create notes", group="Notes"),
                Option("vote", "Vote", "Unusual for an agent", group="Decisions", selected=True),
            ),
            custom=True,
        ),
        BoundField(
            "feature_api",
            "Enable the API",
            "checkbox",
            True,
            f"{theme}-api",
            help="Members' tokens work here.",
        ),
        BoundField(
            "duration",
            "Expires after",
            "number",
            30,
            f"{theme}-duration",
            min=1,
            max=366,
            half=True,
        ),
        BoundField(
            "duration_unit",
            "Unit",
            "select",
            "day(s)",
            f"{theme}-duration_unit",
            options=(Option("day(s)", "days", selected=True), Option("month(s)", "months")),
            half=True,
            below="tokens/_lifetime.html",
        ),
    )
    return Form(
        action_path="/styleguide",
        fields=fields,
        submit_label="Create token",
        csrf_token="",
        id=f"{theme}-form",
        cancel_href="/styleguide",
        method="get",
    )


def urls() -> list[URLPattern]:
    rule = Rule(AccessLevel.PUBLIC)
    return [path("styleguide", with_rule(styleguide, rule), name="styleguide")]
