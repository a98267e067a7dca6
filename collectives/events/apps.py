from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "collectives.events"
    label = "events"

    def ready(self) -> None:
        from collectives.events.rules import keep
        from harmonic.kernel.events import add_reader

        add_reader(keep)
