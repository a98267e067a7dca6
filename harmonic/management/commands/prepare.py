"""Prepare the database, static files and demo world before the server starts."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Tenant
from harmonic.demo import seed
from harmonic.kernel.operations.origins import tenant_url
from harmonic.management.commands.seed_demo import summary
from harmonic.server.private_files import make_contents_private


class Command(BaseCommand):
    help = "Migrate, collect static files and create the demo world, each only when needed."
    # Checks import every view, which the server does right after.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if has_unapplied_migrations():
            self.stdout.write("Migrating the database…")
            call_command("migrate", interactive=False, verbosity=0)
        self.collect_static()
        make_contents_private(Path(settings.VAR_DIR))
        if not settings.IS_PRODUCTION and not Tenant.objects.exists():
            self.stdout.write("Creating the demo world…")
            call_command("seed_demo", verbosity=0)
        self.print_summary()

    def collect_static(self) -> None:
        """Collect static files if a source changed since the last run, or the result is missing."""
        record = Path(settings.VAR_DIR) / "static.digest"
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        digest = static_digest()
        if manifest.exists() and record.exists() and record.read_text() == digest:
            return
        self.stdout.write("Collecting static files…")
        call_command("collectstatic", interactive=False, verbosity=0)
        record.write_text(digest)

    def print_summary(self) -> None:
        """Print the addresses and, of the demo world, who can sign in."""
        if not settings.IS_PRODUCTION and seed.exists():
            lines = summary()
        elif Tenant.objects.exists():
            listed = Tenant.objects.filter(is_listed=True).order_by("name")
            urls = [f"  {tenant_url(each.subdomain)}/  {each.name}" for each in listed]
            lines = [f"Harmonic: {tenant_url()}/", *urls]
        else:
            lines = ["There is no tenant yet. Create one with: manage.py create_tenant"]
        self.stdout.write("\n" + "\n".join(lines) + "\n")


def has_unapplied_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def static_digest() -> str:
    """Return a digest of the static files (names, sizes, times) and of the storage's settings."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list(None), key=lambda found: found[0]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
