"""Icons, each drawn once: the package builds an element tree for every one it shows."""

from __future__ import annotations

from functools import lru_cache

from django import template
from lucide.templatetags.lucide import lucide as drawn

register = template.Library()

lucide = register.simple_tag(lru_cache(maxsize=512)(drawn), name="lucide")
