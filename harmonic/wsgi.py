"""The WSGI application that the server runs."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmonic.settings")
django.setup(set_prefix=False)
application = WSGIHandler()
