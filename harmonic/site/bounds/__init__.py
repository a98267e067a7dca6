"""The limits of Harmonic, as listed in `docs/limits.md`.

Their values come from the code. `manage.py describe_limits` writes the page, and a test fails while
the page is out of date. A test that reaches a limit names it in its mark `meets`.
"""
