"""Database functions that Django does not provide."""

from __future__ import annotations

from typing import Any

from django.db import models


class Bytes(models.Func):
    """The length of a text in bytes, in UTF-8."""

    function = "OCTET_LENGTH"
    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # SQLite has OCTET_LENGTH from version 3.43 on.
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, template=template, **context)
