"""Template tags that show the forms of the actions that a page offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import template
from django.contrib.messages.storage.base import Message
from django.middleware.csrf import get_token
from django.template.context import Context
from django.template.loader import get_template
from rest_framework import serializers

from harmonic.kernel.parameters import wording
from harmonic.kernel.parameters.decoding import FORM_KEY, RawParams, declared_fields
from harmonic.kernel.parameters.fields import (
    AnyField,
    Block,
    Flag,
    Integer,
    StringList,
    pairs,
    widget_of,
)
from harmonic.kernel.parameters.widgets import Choices
from harmonic.kernel.refusals import Problem
from harmonic.kernel.rendering.documents import Offer, RefusedForm, Rendering
from harmonic.kernel.scopes import Verb
from harmonic.templatetags.content import user_line
from harmonic.templatetags.people import person
from harmonic.templatetags.times import when

register = template.Library()


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    help: str = ""
    selected: bool = False
    disabled: bool = False
    disabled_reason: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One of several values of a field, each with a name of its own."""

    name: str
    value: str

    @property
    def has_lines(self) -> bool:
        return "\n" in self.value


@dataclass(frozen=True, slots=True)
class BoundField:
    """A field of a form, for `templates/forms/field.html`."""

    name: str
    label: str
    kind: str
    value: Any
    id: str
    help: str = ""
    errors: tuple[str, ...] = ()
    required: bool = False
    options: tuple[Option, ...] = ()
    suggestions: tuple[str, ...] = ()
    maxlength: int | None = None
    min: int | None = None
    max: int | None = None
    rows: int | None = None
    readonly: bool = False
    placeholder: str = ""
    autocomplete: str = ""
    describedby: str = ""
    autofocus: bool = False
    # Half as wide as the form.
    half: bool = False
    # Shown only while the option `custom` of another field is selected.
    custom: bool = False
    # Shown only while this option of another field is selected.
    shown_for: str = ""
    # A template that is shown below the field.
    below: str = ""


@register.simple_tag(takes_context=True)
def fact(context: Context, value: Any) -> str:
    """Show the value of a fact: a time, a person or text."""
    if isinstance(value, datetime):
        return when(context, value, "exact")
    if hasattr(value, "is_agent"):
        return person(context, value)
    return user_line(context, value)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of an action, for `templates/forms/form.html`."""

    action_path: str
    fields: tuple[BoundField, ...]
    submit_label: str
    csrf_token: str
    id: str
    is_dangerous: bool = False
    is_quiet: bool = False
    is_primary: bool = False
    is_secondary: bool = False
    errors: tuple[str, ...] = ()
    cancel_href: str = ""
    method: str = "post"
    hidden: tuple[Mapping[str, str], ...] = ()
    multipart: bool = field(default=False)

    @property
    def has_errors(self) -> bool:
        return bool(self.errors) or self.has_field_errors

    @property
    def has_field_errors(self) -> bool:
        return any(bound.errors for bound in self.fields)


@register.simple_tag(takes_context=True)
def action_form(
    context: Context,
    name: str,
    initial: Mapping[str, Any] | None = None,
    cancel: str = "",
    secondary: bool = False,
) -> str:
    """Show the form of an action, or nothing if the action is not offered.

    `initial` has the current values by parameter, and `secondary` is for a page with another main
    action. A refused form shows what was typed, with the problems at their fields.
    """
    rendering: Rendering = context["rendering"]
    offer = rendering.offers.get(name)
    if offer is None or rendering.is_markdown:
        return ""
    refused: RefusedForm | None = context.get("refused_form")
    if refused is not None and refused.action != name:
        refused = None
    form = bound_form(
        rendering,
        offer,
        initial={
            **offer.action.initial(rendering.access, offer.target),
            **(initial or {}),
            **rendering.access.query,
        },
        raw=refused.raw if refused else None,
        problems=refused.problems if refused else (),
        errors=refused.errors if refused else (),
        cancel=cancel,
    )
    form = replace(form, is_secondary=secondary)
    if refused:
        refused.is_shown = True
    return get_template("forms/form.html").render({"form": form, "rendering": rendering})


@register.simple_tag(takes_context=True)
def action_button(
    context: Context,
    name: str,
    quiet: bool = False,
    primary: bool = False,
    label: str = "",
    **fixed: Any,
) -> str:
    """Show an action as a button, or nothing if it is not offered; `fixed` are hidden values."""
    rendering: Rendering = context["rendering"]
    offer = rendering.offers.get(name)
    if offer is None or rendering.is_markdown or rendering.request is None:
        return ""
    form = Form(
        action_path=offer.path,
        fields=(),
        submit_label=label or offer.action.label,
        csrf_token=get_token(rendering.request),
        id=f"form-{name}",
        is_dangerous=offer.action.is_dangerous,
        is_quiet=quiet,
        is_primary=primary,
        hidden=(
            *_form_key(offer),
            *({"name": key, "value": str(value)} for key, value in fixed.items()),
        ),
    )
    return get_template("forms/button.html").render({"form": form, "rendering": rendering})


@register.simple_tag(takes_context=True)
def hidden_fields(context: Context, name: str) -> str:
    """Show the hidden fields that a form of an action needs whose other fields a template has."""
    rendering: Rendering = context["rendering"]
    offer = rendering.offers.get(name)
    if offer is None or rendering.request is None:
        return ""
    form = Form("", (), "", get_token(rendering.request), "", hidden=tuple(_form_key(offer)))
    return get_template("forms/_hidden.html").render({"form": form})


@register.simple_tag
def undo_button(message: Message, csrf_token: str) -> str:
    """Show the button that undoes what a notice reports, or nothing if it offers none."""
    path, _, label = (message.extra_tags or "").partition(" ")
    if not label:
        return ""
    form = Form(action_path=path, fields=(), submit_label=label, csrf_token=csrf_token, id="undo")
    return get_template("forms/button.html").render({"form": form})


def _form_key(offer: Offer) -> Iterable[Mapping[str, str]]:
    """Return the hidden idempotency key of a form that creates something."""
    is_creating = offer.action.scope.verb is Verb.CREATE or offer.action.is_additive
    return [{"name": FORM_KEY, "value": str(uuid4())}] if is_creating else []


def bound_form(
    rendering: Rendering,
    offer: Offer,
    *,
    initial: Mapping[str, Any],
    raw: RawParams | None = None,
    problems: Iterable[Problem] = (),
    errors: Iterable[str] = (),
    cancel: str = "",
) -> Form:
    """Return the form of an action with its values and their problems."""
    action = offer.action
    declared = declared_fields(action.params) if action.params else {}
    found = list(problems)
    fields = tuple(
        _bound(
            f"{action.name}-{name}",
            name,
            declared_field,
            initial.get(name),
            raw,
            found,
            is_chosen=name in rendering.access.query or bool(raw and name in raw.values),
        )
        for name, declared_field in declared.items()
        if not widget_of(declared_field).is_hidden
    )
    shown = {bound.name for bound in fields}
    return Form(
        action_path=offer.path,
        fields=_with_focus(fields),
        submit_label=action.label,
        csrf_token=get_token(rendering.request) if rendering.request else "",
        id=f"form-{action.name}",
        is_dangerous=action.is_dangerous,
        errors=(*errors, *(wording.sentence(p) for p in found if p.param not in shown)),
        cancel_href=cancel,
        hidden=tuple(_form_key(offer)),
        multipart=any(isinstance(declared_field, Block) for declared_field in declared.values()),
    )


def _with_focus(fields: tuple[BoundField, ...]) -> tuple[BoundField, ...]:
    """Return the fields with the focus on the first one that has an error."""
    first = next((index for index, bound in enumerate(fields) if bound.errors), None)
    return tuple(
        replace(bound, autofocus=True) if index == first else bound
        for index, bound in enumerate(fields)
    )


def _bound(
    id_: str,
    name: str,
    declared: AnyField,
    initial: Any,
    raw: RawParams | None,
    problems: list[Problem],
    *,
    is_chosen: bool,
) -> BoundField:
    widget = widget_of(declared)
    value = _shown_value(name, declared, initial, raw)
    errors = tuple(wording.reason(p) for p in problems if p.param == name)
    return BoundField(
        name=name,
        label=str(declared.label or wording.humanize(name)),
        kind="hidden" if widget.is_chosen_before and is_chosen and not errors else _kind(declared),
        value=value,
        id=id_,
        help=str(declared.help_text or "") if widget.help is None else widget.help,
        errors=tuple(error[:1].upper() + error[1:] for error in errors),
        required=declared.required or widget.is_required,
        options=tuple(_options(declared, value)),
        suggestions=tuple(widget.suggestions()) if widget.suggestions else (),
        maxlength=getattr(declared, "max_length", None) or None,
        min=getattr(declared, "min_value", None),
        max=getattr(declared, "max_value", None),
        rows=widget.rows,
        readonly=widget.is_readonly,
        placeholder=widget.placeholder,
        autocomplete=widget.autocomplete,
        half=widget.is_half,
        custom=widget.is_custom,
        shown_for=widget.shown_for,
        below=widget.below,
    )


def _shown_value(name: str, declared: AnyField, initial: Any, raw: RawParams | None) -> Any:
    widget = widget_of(declared)
    if widget.is_readonly:
        return widget.initial
    if widget.kind == "cells":
        return _cells(initial, raw.values.get(name) if raw else None)
    if raw is not None and name in raw.values:
        sent = raw.values[name]
        if isinstance(declared, StringList):
            return sent
        return sent[-1] if isinstance(sent, list) and sent else sent
    if initial is not None:
        return initial
    return "" if widget.initial is None else widget.initial


def _cells(initial: Any, sent: Any) -> tuple[Cell, ...]:
    """Return the cells of a row with the values that were sent, or else the current ones."""
    names = initial if isinstance(initial, Mapping) else {}
    values = {**names, **(pairs(sent) or {})}
    return tuple(Cell(name, str(values[name])) for name in names)


def _kind(declared: AnyField) -> str:
    if kind := widget_of(declared).kind:
        return kind
    if isinstance(declared, Block):
        return "textarea"
    if isinstance(declared, Flag):
        return "checkbox"
    if isinstance(declared, StringList):
        return "checkboxes"
    if isinstance(declared, serializers.ChoiceField):
        return "select"
    return "number" if isinstance(declared, Integer) else "text"


def _options(declared: AnyField, value: Any) -> Iterable[Option]:
    """Yield the options of a select, radios or checkboxes, by group."""
    chosen = [str(each) for each in (value if isinstance(value, (list, tuple)) else [value])]
    for group, offered in _groups(declared):
        for key, label, *rest in offered:
            yield Option(
                str(key),
                str(label),
                str(rest[0]) if rest else "",
                selected=str(key) in chosen,
                group=group,
            )


def _groups(declared: AnyField) -> Iterable[tuple[str, Choices]]:
    widget = widget_of(declared)
    if widget.groups:
        return widget.groups()
    choices = getattr(declared, "choices", {}) or {}
    return [("", widget.options or choices.items())]
