"""Static files with hashed names, which browsers can cache forever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped package
    """Static files storage that also rewrites imports in ES modules."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the hashed name, or the plain name before files are collected."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
