from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "collectives.notes"
    label = "notes"

    def ready(self) -> None:
        from collectives.items.kinds import Kind, register
        from collectives.notes.models import Note

        register(Kind(Note, page="notes.show", text="text"))
