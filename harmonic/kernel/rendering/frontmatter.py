"""The YAML frontmatter of Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias


class Plain(str):
    """A value that is written without quotes, such as a timestamp."""

    __slots__ = ()


RawScalar: TypeAlias = Plain
Timestamp: TypeAlias = Plain
Scalar: TypeAlias = str | int | float | bool | RawScalar
Value: TypeAlias = Scalar | Sequence["Value"] | Mapping[str, "Value"]


def emit(fields: Mapping[str, Value]) -> str:
    """Return the frontmatter, from "---" to "---", with the keys in the given order.

    A list of mappings becomes a block whose items are indented by two columns more than its key,
    which clients rely on. Other lists and mappings are written on the line of their key.
    """
    return "\n".join(["---", *_lines(fields, indent=0), "---", ""])


def _lines(fields: Mapping[str, Value], *, indent: int) -> list[str]:
    margin = " " * indent
    lines: list[str] = []
    for key, value in fields.items():
        items = _mappings(value)
        if items:
            lines.append(f"{margin}{key}:")
            lines += [line for item in items for line in _item(item, indent=indent + 2)]
        else:
            lines.append(f"{margin}{key}: {_scalar_or_flow(value)}")
    return lines


def _item(fields: Mapping[str, Value], *, indent: int) -> list[str]:
    first, *rest = _lines(fields, indent=indent + 2) or [" " * indent + "  {}"]
    return [f"{' ' * indent}- {first[indent + 2 :]}", *rest]


def _mappings(value: Value) -> list[Mapping[str, Value]]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        return []
    items = [item for item in value if isinstance(item, Mapping)]
    return items if len(items) == len(value) else []


def _scalar_or_flow(value: Value) -> str:
    if isinstance(value, str) and not isinstance(value, Plain) and _is_plain(value):
        return value
    return _flow(value)


def _flow(value: Value) -> str:
    if isinstance(value, Plain):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return repr(value)


# Characters that YAML cannot contain, that some parsers read as a line break, or that change the
# direction of text.
_ESCAPED: Final = (
    "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef\ud800-\udfff"
    + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
)
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_TO_ESCAPE = re.compile(f'[\\\\"{_ESCAPED}]')

_UNSAFE_PLAIN = re.compile(
    rf"""[{_ESCAPED}]
    | ^[-?:,\[\]{{}}\#&*!|>'"%@`~=<\s]   # indicators, and what YAML 1.1 resolves
    | :(?:\s|$) | \s\# | \s$ | ---
    """,
    re.VERBOSE,
)
# Broader than the numbers, dates and times of YAML 1.1 and 1.2: extra quotes are harmless.
_NUMBER_LIKE = re.compile(r"[-+.0-9][-+.,:_0-9A-FXOa-fxotzTZ ]*|[-+]?\.(?:inf|nan)", re.IGNORECASE)
_WORDS: Final = frozenset({"", "y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def _is_plain(value: str) -> bool:
    """Return whether every YAML parser reads the unquoted value as the same string."""
    return (
        value.lower() not in _WORDS
        and _UNSAFE_PLAIN.search(value) is None
        and _NUMBER_LIKE.fullmatch(value) is None
    )


def _quoted(value: str) -> str:
    escaped = _TO_ESCAPE.sub(_escape, value)
    # Some parsers end the block at the first "---", wherever it is.
    return '"' + re.sub("-{3,}", _break_dashes, escaped) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _break_dashes(run: re.Match[str]) -> str:
    return re.sub("-{1,3}", lambda part: "\\x2d" + part[0][1:], run[0])
