from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "collectives.reminders"
    label = "reminders"

    def ready(self) -> None:
        from collectives.reminders import due
        from collectives.reminders.rules import cancel_with_note
        from harmonic.kernel.events import add_reader

        add_reader(cancel_with_note)
        due.register()
