"""The routes of the JSON API."""

from __future__ import annotations

from django.urls import URLPattern


def shared_urls() -> list[URLPattern]:
    return []


def tenant_urls() -> list[URLPattern]:
    return []
