"""Django's engine for SQLite, which waits for a lock no longer than a request can."""
