from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        register(check_descriptions, Tags.urls)


def check_descriptions(**options: Any) -> list[CheckMessage]:
    """Return the functions of routes that are not described, and bindings that do not fit."""
    # Importing the resources loads every view, which few commands need.
    from api.declarations import faults, misfits

    return [*faults(), *misfits()]
