from django.apps import AppConfig


class TablesConfig(AppConfig):
    name = "collectives.tables"
    label = "tables"
