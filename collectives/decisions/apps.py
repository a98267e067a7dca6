from django.apps import AppConfig


class DecisionsConfig(AppConfig):
    name = "collectives.decisions"
    label = "decisions"

    def ready(self) -> None:
        from collectives.decisions import due

        due.register()
