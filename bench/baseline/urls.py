"""Routes to one row, each with a different token authentication."""

from __future__ import annotations

from django.urls import path
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework import generics, serializers
from rest_framework_api_key.permissions import HasAPIKey

from bench.baseline.models import Note


class NoteSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = "__all__"


class NoteView(generics.RetrieveAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer


class KnoxView(NoteView):
    authentication_classes = (KnoxAuthentication,)


class ApiKeyView(NoteView):
    authentication_classes = ()
    permission_classes = (HasAPIKey,)


urlpatterns = [
    path("notes/<uuid:pk>/", NoteView.as_view()),
    path("knox/<uuid:pk>/", KnoxView.as_view()),
    path("api-key/<uuid:pk>/", ApiKeyView.as_view()),
]
