from django.apps import AppConfig


class ItemsConfig(AppConfig):
    name = "collectives.items"
    label = "items"
