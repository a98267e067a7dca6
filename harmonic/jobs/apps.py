from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "harmonic.jobs"
    label = "jobs"
