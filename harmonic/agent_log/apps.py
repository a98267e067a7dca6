from django.apps import AppConfig


class AgentLogConfig(AppConfig):
    name = "harmonic.agent_log"
    label = "agent_log"

    def ready(self) -> None:
        from harmonic.agent_log.writes import record_event
        from harmonic.kernel.events import add_reader

        add_reader(record_event)
