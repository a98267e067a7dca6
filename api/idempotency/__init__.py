"""Idempotency: a POST that is sent again under its key is carried out once.

Programs send the header `Idempotency-Key`, and get the first answer again (`docs/api.md`, Repeating
a request). Forms of pages carry a key of their own in a hidden field, and lead to what the first
sending made (`docs/decisions/`, 0018).

A row under a unique constraint claims the key before anything happens. The effect and the answer
are then stored in one transaction: a request that was cut off has changed nothing, and another one
may take it over.
"""
