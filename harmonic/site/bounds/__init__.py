"""Every bound of Harmonic, as `docs/limits.md` lists them.

The values are those of the code. `manage.py describe_limits` writes the page, and a test fails
while the page differs. A test that reaches a bound names it in its mark `meets`.
"""
