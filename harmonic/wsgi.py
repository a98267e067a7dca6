"""The WSGI application that the server runs."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmonic.settings")
django.setup(set_prefix=False)

# Settings are complete from here on.
from harmonic.site.declarations import require_sound_declarations  # noqa: E402

require_sound_declarations()
application = WSGIHandler()
