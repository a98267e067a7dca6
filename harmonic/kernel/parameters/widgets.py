"""Widgets: the presentation of parameters in forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

# The value, the label and, if there is one, the help of an option.
Choices = Iterable[tuple[str, ...]]


# The `autocomplete` of prose: without the attribute, browsers keep what was typed when a reader
# goes back to the form.
PROSE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """The presentation of a parameter in forms, besides what its field defines."""

    # By default the kind follows from the field: a `Block` is a textarea, a `Flag` a checkbox.
    # `lines` is a textarea with one entry on each line, and `cells` a field for each name in the
    # initial value.
    kind: Literal["", "radios", "select", "datetime", "lines", "cells"] = ""
    # The value of an empty form.
    initial: object = None
    # None: the `help_text` of the field, which agents read too.
    help: str | None = None
    # The options of a select or radios; by default the `choices` of the field.
    options: Choices = ()
    # Returns the headings of groups of options, each with its options.
    groups: Callable[[], Sequence[tuple[str, Choices]]] | None = None
    # Returns values that a text field offers while its reader types; others are taken as well.
    suggestions: Callable[[], Sequence[str]] | None = None
    rows: int | None = None
    placeholder: str = ""
    # "off" also stops a browser from restoring what was typed when its reader comes back.
    autocomplete: str = ""
    # A template that is shown below the parameter.
    below: str = ""
    # No form shows it.
    is_hidden: bool = False
    # A form that sends it blank is refused. Programs may send it blank to keep the value.
    is_required: bool = False
    is_readonly: bool = False
    # Half as wide as the form.
    is_half: bool = False
    # Shown only while the option `custom` of another field is selected.
    is_custom: bool = False
    # Shown only while this option of another field is selected; its class is in the CSS.
    shown_for: str = ""
    # Hidden in the form while the address of the page holds its value.
    is_chosen_before: bool = False
