"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "konektika.settings")

from konektika.checks import exit_if_misconfigured

exit_if_misconfigured()
application = get_wsgi_application()
