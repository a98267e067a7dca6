from django.apps import AppConfig


class CyclesConfig(AppConfig):
    name = "collectives.cycles"
    label = "cycles"
