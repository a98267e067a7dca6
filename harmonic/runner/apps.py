from django.apps import AppConfig


class RunnerConfig(AppConfig):
    name = "harmonic.runner"
    label = "runs"

    def ready(self) -> None:
        from harmonic.kernel.events import add_reader
        from harmonic.runner.rules import end_with_the_agent

        add_reader(end_with_the_agent)
