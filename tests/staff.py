"""A member of staff with the back-office open in a browser."""

from __future__ import annotations

import requests

from tests.system import System

EMAIL = "admin@konektika.test"


class Staff:
    """Signed in as the demo's member of staff."""

    def __init__(self, system: System) -> None:
        self._url = system.url
        self._session = requests.Session()
        self.page("/admin/login/")
        response = self._session.post(
            f"{self._url}/admin/login/?next=/admin/",
            data={
                "username": EMAIL,
                "password": system.environment["DEMO_PASSWORD"],
                "csrfmiddlewaretoken": self._session.cookies["csrftoken"],
            },
            timeout=30,
        )
        assert response.url == f"{self._url}/admin/", "the sign-in was refused"

    def page(self, path: str) -> str:
        """A page's HTML."""
        response = self._session.get(f"{self._url}{path}", timeout=30)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        return response.text
