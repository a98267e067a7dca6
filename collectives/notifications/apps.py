from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "collectives.notifications"
    label = "notifications"

    def ready(self) -> None:
        from collectives.events.rules import add_own_reader
        from collectives.notifications.participation import (
            notify_of_participation,
            notify_of_result,
        )
        from collectives.notifications.queries import unread_count
        from collectives.notifications.token_notices import due
        from collectives.notifications.token_notices.writes import notify_of_token
        from collectives.notifications.triggers import notify_of
        from harmonic.kernel.events import add_reader
        from harmonic.kernel.navigation import count_unread_with

        add_reader(notify_of)
        add_reader(notify_of_participation)
        add_reader(notify_of_token)
        add_own_reader(notify_of_result)
        count_unread_with(unread_count)
        due.register()
