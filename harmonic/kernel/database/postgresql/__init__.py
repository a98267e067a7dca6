"""Django's engine for PostgreSQL, which waits for a server that restarts."""
