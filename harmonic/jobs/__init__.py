"""Background jobs: the queue in the database, and the worker that runs it."""
