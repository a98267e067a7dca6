from django.apps import AppConfig


class HarmonicConfig(AppConfig):
    name = "harmonic"
