from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        register(check_descriptions, Tags.urls)


def check_descriptions(**options: Any) -> list[CheckMessage]:
    """Return errors about undescribed functions and about bindings that do not fit."""
    # Importing the resources loads every view, which few commands need.
    from api.declarations import binding_errors, description_errors

    return [*description_errors(), *binding_errors()]
