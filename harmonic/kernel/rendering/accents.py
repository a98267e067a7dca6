"""The accents of tenants: twelve names, whose colours static/css/tokens.css defines."""

from __future__ import annotations

from typing import Final, NamedTuple
from zlib import crc32


class Accent(NamedTuple):
    """The name of an accent and its colours in the light and the dark theme.

    The colours equal `--accent` of static/css/tokens.css. They are for parts of a page that have no
    style sheet.
    """

    name: str
    light: str
    dark: str

    @property
    def icon(self) -> str:
        """The path of the site's icon in this accent, below `static/`; `bin/icons` draws it."""
        return f"icons/{self.name}.svg"

    @property
    def touch_icon(self) -> str:
        """The path of the icon for home screens, 180 pixels wide, below `static/`."""
        return f"icons/{self.name}-180.png"


ACCENTS: Final = (
    Accent("clay", "#7d4928", "#eeb28e"),
    Accent("amber", "#73510e", "#e1ba7d"),
    Accent("olive", "#5b5c1c", "#c4c686"),
    Accent("moss", "#3c642d", "#a3d094"),
    Accent("pine", "#1f674a", "#8dd3b1"),
    Accent("teal", "#0f6563", "#85d1cd"),
    Accent("lagoon", "#00627a", "#80cee8"),
    Accent("sky", "#225b8d", "#8cc7ff"),
    Accent("indigo", "#485097", "#adbaff"),
    Accent("violet", "#64468d", "#cfafff"),
    Accent("plum", "#793f75", "#e9a7e3"),
    Accent("rose", "#843d54", "#f8a6bc"),
)


def accent_of(subdomain: str) -> Accent:
    """Return the accent of a subdomain, which does not depend on its case."""
    return ACCENTS[crc32(subdomain.lower().encode()) % len(ACCENTS)]
