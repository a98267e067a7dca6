"""Addresses that a caller sends and the product follows."""

from __future__ import annotations

from django.utils.http import url_has_allowed_host_and_scheme


def local_path(sent: str, otherwise: str = "/") -> str:
    """Return a path of this tenant to redirect to, or `otherwise` for anything else."""
    is_local = sent.startswith("/") and not sent.startswith(("//", "/\\"))
    return sent if is_local and url_has_allowed_host_and_scheme(sent, None) else otherwise
