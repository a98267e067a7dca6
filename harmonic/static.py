"""Static files under hashed names, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped package
    """Also rewrites the imports inside ES modules."""

    support_js_module_import_aggregation = True
    # A file named only in a comment, or a tree not collected yet, must not break a page.
    manifest_strict = False
