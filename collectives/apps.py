from django.apps import AppConfig


class CollectivesConfig(AppConfig):
    name = "collectives"

    def ready(self) -> None:
        from accounts.security import show_with
        from collectives.queries import names_in_log

        show_with("places", names_in_log)
