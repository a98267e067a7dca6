"""Presets: the choices by which a parent sets an agent's capabilities at once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from harmonic.kernel import registry
from harmonic.kernel.capabilities import NO_CAPABILITIES, Capabilities, Level


class Preset(StrEnum):
    """A set of capabilities with a name. `CUSTOM` stands for a list that the parent selects."""

    READ = "read"
    CONTRIBUTE = "contribute"
    EVERYTHING = "everything"
    CUSTOM = "custom"


def actions_of(preset: Preset) -> list[str]:
    """Return the names of the actions that a preset grants.

    Raises:
        ValueError: for `CUSTOM`, which has no list of its own.
    """
    if preset is Preset.READ:
        return []
    if preset is Preset.CONTRIBUTE:
        return registry.grantable(Level.USUAL)
    if preset is Preset.EVERYTHING:
        return registry.grantable()
    raise ValueError(preset)


def preset_of(capabilities: Capabilities) -> Preset:
    """Return the preset that grants exactly what an agent holds, `CUSTOM` if none does."""
    held = set(registry.granted_actions(capabilities))
    named = (Preset.READ, Preset.CONTRIBUTE, Preset.EVERYTHING)
    return next((each for each in named if set(actions_of(each)) == held), Preset.CUSTOM)


def stored(
    preset: str, selected: Sequence[str] | None, before: Capabilities | None = None
) -> list[str] | None:
    """Return the names to store for a preset and a list that were sent, None to keep them.

    The list counts if no preset was sent, or `CUSTOM`. Capabilities that a preset already grants
    stay as they are stored. Another preset also withdraws names whose action does not exist yet.
    """
    if preset in ("", Preset.CUSTOM):
        return None if selected is None else registry.stored(selected, before or NO_CAPABILITIES)
    if before is not None and preset == preset_of(before):
        return None
    return registry.stored(actions_of(Preset(preset)))
