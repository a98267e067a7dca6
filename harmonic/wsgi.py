"""The WSGI application that the server runs."""

import os

import django

from harmonic.bodies import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harmonic.settings")
django.setup(set_prefix=False)
application = Handler()
