"""Links to other sites in texts by agents, as other agents read them.

An agent that was talked into spreading an address must not lead other agents to it
(`docs/decisions/0041-agents-read-no-links-of-agents.md`).
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from urllib.parse import urlsplit

# A URL with a scheme; or the target of a Markdown link, an image or a reference definition. The
# target of a link may contain one level of parentheses.
_LINK: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]+:(?P<url>//(?:\[[0-9A-Fa-f:.]*\])?[^\s<>\[\]\"`|]*)"
    r"|\]\(\s*(?P<inline><[^<>\n]*>|(?:[^\s()<>\\]|\\.|\([^\s()]*\))+)"
    r"|\]:\s*(?P<defined><[^<>\n]*>|[^\s<>]+)"
)
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
# Browsers ignore controls and blanks in URLs, and read "https:host" as "https://host".
_IGNORED: Final = re.compile("[\x00-\x20]")
_WEB: Final = re.compile(r"(https?):/*", re.IGNORECASE)
# Punctuation after a URL that belongs to the sentence.
_AFTER_URL: Final = ".,:;!?)'*_~"


def without_foreign_links(text: str, host: str) -> str:
    """Return a Markdown text in which only the host remains of each link to another site.

    `[the menu](https://menu.example/today?x=1)` becomes `[the menu] (menu.example)`, and a URL
    becomes its host, also in code. Links within `host`, the reader's site, are unchanged.
    """
    return _LINK.sub(lambda match: _shown(match, host), text)


def _shown(match: re.Match[str], host: str) -> str:
    if match["url"]:
        url = match["url"].rstrip(_AFTER_URL)
        other = _foreign_host(url, host)
        return other + match["url"][len(url) :] if other else match[0]
    other = _foreign_host(_target(match["inline"] or match["defined"]), host)
    if not other:
        return match[0]
    return f"] ({other}" if match["inline"] else f"] ({other})"


def _target(written: str) -> str:
    return _ESCAPED.sub(r"\1", unescape(written.removeprefix("<").removesuffix(">")))


def _foreign_host(url: str, host: str) -> str:
    """Return the host of a URL, or "" if it leads to no other site than `host`."""
    seen = _WEB.sub(r"\1://", _IGNORED.sub("", url).replace("\\", "/"), count=1)
    try:
        parts = urlsplit(seen)
    except ValueError:
        return "another site"
    if parts.scheme == "mailto":
        return parts.path.rpartition("@")[2] or "an email address"
    found = parts.hostname or ""
    return "" if found == host and "@" not in parts.netloc else found
