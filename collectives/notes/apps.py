from django.apps import AppConfig


class NotesConfig(AppConfig):
    name = "collectives.notes"
    label = "notes"
