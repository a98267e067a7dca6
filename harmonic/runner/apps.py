from django.apps import AppConfig


class RunnerConfig(AppConfig):
    name = "harmonic.runner"
    label = "runs"

    def ready(self) -> None:
        from accounts.agents import latest_runs
        from harmonic.kernel.events import add_reader
        from harmonic.kernel.operations.jobs import do_regularly
        from harmonic.runner.queries import QueriesForAgentPages
        from harmonic.runner.queue import CHECKED_EVERY, recover_interrupted_runs
        from harmonic.runner.rules import end_with_the_agent

        add_reader(end_with_the_agent)
        do_regularly("interrupted runs", CHECKED_EVERY, recover_interrupted_runs)
        latest_runs.register(QueriesForAgentPages())
