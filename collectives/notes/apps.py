from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "collectives.notes"
    label = "notes"

    def ready(self) -> None:
        from django.db.models.functions import Left

        from collectives.items import kinds
        from collectives.items.models import readers
        from collectives.notes.models import Note

        kinds.register(
            kinds.Kind(
                model=Note,
                page="notes.show",
                opening=lambda length: Left("note__text", length),
                count=readers,
                count_words=("read", "reads"),
            )
        )
