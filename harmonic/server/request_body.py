"""The body of a request while the server receives it."""

from __future__ import annotations

from io import RawIOBase
from tempfile import SpooledTemporaryFile
from typing import Any

from gunicorn.asgi.parser import PythonProtocol  # type: ignore[import-untyped]  # has no types
from gunicorn.http.body import ChunkedReader, LengthReader  # type: ignore[import-untyped]

# Bytes of a body kept in memory; longer bodies go to a temporary file.
MAX_BODY_IN_MEMORY = 128 * 1024


class Body:
    """The received part of a request's body, with a length or in chunks (RFC 9112 §7.1)."""

    def __init__(self, head: bytes, length: int | None) -> None:
        self.size = 0
        self.file = SpooledTemporaryFile[bytes](max_size=MAX_BODY_IN_MEMORY)  # closed by `close`
        self._left = length
        self._chunks = None
        if length is None:
            self._chunks = PythonProtocol(on_body=self._store)
            self._chunks.feed(head)

    @property
    def is_complete(self) -> bool:
        return self._left == 0 if self._chunks is None else bool(self._chunks.is_complete)

    def take(self, received: bytearray) -> None:
        """Move the bytes of the body out of `received`.

        Raises:
            ParseError: the chunks are malformed.
        """
        if self._chunks is not None:
            data = bytes(received)
            received.clear()
            self._chunks.feed(data)
            received += self._chunks.remaining()
        elif self._left is not None:
            piece = bytes(received[: self._left])
            del received[: self._left]
            self._left -= len(piece)
            self._store(piece)
        if self.is_complete:
            self.file.seek(0)

    def _store(self, piece: bytes) -> None:
        self.size += len(piece)
        self.file.write(piece)

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class IncompleteBody(RawIOBase):
    """The stand-in for an incomplete body, which raises an error when it is read."""

    def readinto(self, buffer: object, /) -> int:
        raise OSError("The body is incomplete.")


def length_of(request: Any) -> int | None:
    """Return the length of a request's body in bytes, or None if it is chunked."""
    reader = request.body.reader
    if isinstance(reader, ChunkedReader):
        return None
    return int(reader.length) if isinstance(reader, LengthReader) else 0
