"""The WSGI application."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmonic.settings")
django.setup(set_prefix=False)

# Importable only after setup.
from harmonic.site.declarations import require_sound_declarations  # noqa: E402

require_sound_declarations()
application = WSGIHandler()
