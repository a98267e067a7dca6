"""Documented headers of the API, and the headers of a response that need documentation."""

from __future__ import annotations

from typing import Any

from api.openapi.document import document

# Headers of HTTP itself, or for browsers.
GENERIC = {
    "Allow",
    "Cache-Control",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "Vary",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


def described(method: str, path: str, status: int) -> set[str]:
    """Return the documented headers of an operation for a status."""
    response = document()["paths"][path][method]["responses"][str(status)]
    if "$ref" in response:
        response = document()["components"]["responses"][str(status)]
    return set(response["headers"])


def api_headers(answer: Any) -> set[str]:
    """Return the headers of a response that are specific to the API."""
    return {name for name in answer.headers if name not in GENERIC}
