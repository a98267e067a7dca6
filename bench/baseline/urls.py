"""The one route of the baseline."""

from __future__ import annotations

from django.urls import path
from rest_framework import generics, serializers

from bench.baseline.models import Note


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = "__all__"


class NoteView(generics.RetrieveAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


urlpatterns = [path("notes/<uuid:pk>/", NoteView.as_view())]
