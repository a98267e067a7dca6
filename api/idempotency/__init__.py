"""Idempotency keys: a POST that is repeated with its key is carried out once.

Programs send the `Idempotency-Key` header and get the first response again (`docs/api.md`,
Repeating a request). HTML forms have a key in a hidden field; a repetition redirects to the result
of the first submission (`docs/decisions/`, 0018).

A row with a unique constraint claims the key first. The effect and the response are then stored in
one transaction, so an interrupted request has changed nothing, and another one can take it over.
"""
