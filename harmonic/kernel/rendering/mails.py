"""Rendering of e-mails: one template gives the text and the HTML."""

from __future__ import annotations

from harmonic.kernel.access import Access
from harmonic.kernel.rendering import markdown
from harmonic.kernel.rendering.documents import Document, Rendering, rendered_in

BASE = "mail/base.html"


def text_and_html(access: Access, document: Document) -> tuple[str, str]:
    """Return the text and the HTML of an e-mail: the document's Markdown, and its HTML."""
    as_text = Rendering(access, True, {})
    block = rendered_in(document, as_text, "base_md.html", None)
    text = markdown.render(block, as_text.placeholders).strip("\n")
    html = rendered_in(document, Rendering(access, False, {}), BASE, None)
    return f"{text}\n", html.lstrip()
