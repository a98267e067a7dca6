"""A model with as many fields as a note has in the API."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Note(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=1000)
    text = models.TextField()
    subtype = models.CharField(max_length=12, default="text")
    deadline = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        app_label = "baseline"

    def __str__(self) -> str:
        return self.title
