"""Bodies that come in chunks, without a length (RFC 9112 §7.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import RawIOBase
from tempfile import SpooledTemporaryFile
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # has no types

# Longer bodies wait in a file.
IN_MEMORY = 1024 * 1024
BLOCK = 64 * 1024

Environ = dict[str, Any]


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes | None: ...


class Request(WSGIRequest):
    """A request whose body has a length, however it came.

    Django reads as many bytes as `CONTENT_LENGTH` says, which in chunks nobody says: the body
    would be dropped without a word. So it is read first, up to the limit of all bodies.
    """

    def __init__(self, environ: Environ) -> None:
        self._spool = _spool() if is_chunked(environ) else None
        if self._spool is not None:
            environ["wsgi.input"], length = _measured(environ["wsgi.input"], self._spool)
            environ["CONTENT_LENGTH"] = str(length)
        super().__init__(environ)

    def close(self) -> None:
        super().close()
        if self._spool is not None:
            self._spool.close()


class Handler(WSGIHandler):
    request_class = Request


def is_chunked(environ: Environ) -> bool:
    """Answer whether the end of the body is known to the server alone."""
    coding: str = environ.get("HTTP_TRANSFER_ENCODING", "")
    return bool(environ.get("wsgi.input_terminated")) and "chunked" in coding.lower()


def _spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=IN_MEMORY)  # the request closes it


def _measured(body: Readable, spool: SpooledTemporaryFile[bytes]) -> tuple[Readable, int]:
    """Return what to read in place of `body`, and its length."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        length = _copied(_blocks(body, limit + 1), spool)
    except (ParseException, OSError):
        return _Unreadable(OSError("The body broke off.")), 1
    if length > limit:
        return _Unreadable(RequestDataTooBig("The body is too large.")), length
    spool.seek(0)
    return spool, length


def _blocks(body: Readable, at_most: int) -> Iterator[bytes]:
    left = at_most
    while block := body.read(min(left, BLOCK)):
        left -= len(block)
        yield block


def _copied(blocks: Iterable[bytes], spool: SpooledTemporaryFile[bytes]) -> int:
    return sum(map(spool.write, blocks))


class _Unreadable(RawIOBase):
    """A body that answers every reader with an error: half of it is worth nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def readinto(self, buffer: object, /) -> int:
        raise self._error
