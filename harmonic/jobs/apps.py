from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "harmonic.jobs"
    label = "jobs"

    def ready(self) -> None:
        from harmonic.jobs import purges

        purges.register()
