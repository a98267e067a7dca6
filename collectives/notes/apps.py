from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "collectives.notes"
    label = "notes"

    def ready(self) -> None:
        from collectives.notes import due

        due.register()
