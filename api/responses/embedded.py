"""Members of an object that belong to another resource, such as a user's pinned notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from harmonic.kernel.access import Access

Json = TypeVar("Json", bound=Mapping[str, Any])


def without_unreadable(access: Access, shown: Json, resources: Mapping[str, str]) -> Json:
    """Return an object without the members that the caller's token cannot read.

    `resources` maps the name of each member to its resource. An omitted member is an empty list or
    null, and is named in `omitted`, which is absent when nothing is omitted.
    """
    omitted = [name for name, resource in resources.items() if not access.may_read(resource)]
    if not omitted:
        return shown
    empty: dict[str, Any] = {
        name: [] if isinstance(shown[name], list) else None for name in omitted
    }
    return cast(Json, {**shown, **empty, "omitted": omitted})
