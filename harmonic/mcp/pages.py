"""The page behind the MCP context resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern

from accounts.agents.whoami import whoami
from harmonic.kernel.access import Access
from harmonic.kernel.page_views import mount
from harmonic.kernel.pages import Page

# Characters of the identity prompt.
PROMPT_SHOWN = 1500


def _show(access: Access, target: None) -> Mapping[str, Any]:
    known = whoami(access, target)
    prompt = known["prompt"] or ""
    shown = prompt if len(prompt) <= PROMPT_SHOWN else f"{prompt[:PROMPT_SHOWN]}…"
    return {**known, "prompt": shown}


CONTEXT: Page[None] = Page(
    name="mcp.context",
    template="mcp/context.html",
    title=lambda access, target: f"Harmonic context for @{access.user.handle}",
    show=_show,
)


def urls() -> list[URLPattern]:
    return mount("mcp/context", CONTEXT)
