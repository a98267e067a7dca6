"""HTTP methods: those that only read, and those that were repeated or are not allowed."""

from __future__ import annotations

from typing import Final

from harmonic.kernel.refusals import Refused

READS: Final = frozenset({"GET", "HEAD"})
# Methods that change nothing (RFC 9110 §9.2.1).
SAFE: Final = READS | {"OPTIONS"}
# The header of a stored response to an earlier request with the same idempotency key.
REPLAYED: Final = "Idempotent-Replayed"


def method_not_allowed(
    allowed: str, message: str = "This method is not allowed here.", hint: str = ""
) -> Refused:
    """Return the refusal of a method; `allowed` is the value of the `Allow` header."""
    return Refused(
        message, status=405, code="method_not_allowed", hint=hint, headers={"Allow": allowed}
    )
