"""Write the API's description to the file that is served, and the list of operations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from api.openapi import document, reference


class Command(BaseCommand):
    help = "Write docs/openapi.json and docs/endpoints.md, where changes of the contract show."

    def handle(self, *args: Any, **options: Any) -> None:
        # pydantic, which builds it, is a package of development.
        from api.openapi.build import built

        document.FILE.write_bytes(built())
        document.document_bytes.cache_clear()
        document.document.cache_clear()
        reference.FILE.write_text(reference.reference())
        self.stdout.write(f"{document.FILE}\n{reference.FILE}\n")
