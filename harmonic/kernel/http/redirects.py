"""Redirect targets that callers send."""

from __future__ import annotations

from django.utils.http import url_has_allowed_host_and_scheme


def local_path(sent: str, otherwise: str = "/") -> str:
    """Return `sent` if it is a path of this tenant, else `otherwise`."""
    is_local = sent.startswith("/") and not sent.startswith(("//", "/\\"))
    return sent if is_local and url_has_allowed_host_and_scheme(sent, None) else otherwise
