"""`make demo`: three new customers, one of each provider, buy a bundle as the app does it."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from deploy.local.running import Server, running_server
from deploy.local.wireguard_file import Malformed, check_configuration

Found = TypeVar("Found")

PREFIXES = {"vodacom_mpesa": "+25575", "tigo_pesa": "+25571", "airtel_money": "+25578"}
PIN = "1234"
START_SECONDS = 60
PROMPT_SECONDS = 20
PAYMENT_SECONDS = 60


class Failed(Exception):
    """Something did not go as the contract says; `str()` tells what."""


class Refused(Failed):
    """The server said no; `code` is the contract's stable word for the reason."""

    def __init__(self, call: str, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{call} answered {status}: {body.get('message')}")
        self.code = body.get("code")


class App:
    """One customer's app: the contract's calls, each printed with its time."""

    def __init__(self, url: str) -> None:
        self._base = f"{url}/api"
        self._session = requests.Session()

    def sign_in(self, token: str) -> None:
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> dict[str, Any]:
        """The reply's `data`, as a step of the demo. Raises Refused."""
        return self._step("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The reply's `data`, as a step of the demo. Raises Refused."""
        return self._step("POST", path, body)

    def look(self, path: str) -> dict[str, Any]:
        """A GET that is repeated and so is no step by itself. Raises Refused."""
        return self._call("GET", path)

    def _step(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        began = time.monotonic()
        data = self._call(method, path, body)
        _step(f"{method} {path}", began)
        return data

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = self._session.request(method, self._base + path, json=body, timeout=30)
        if not reply.ok:
            raise Refused(f"{method} {path}", reply.status_code, reply.json())
        return dict(reply.json()["data"])


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody new: no earlier demo has used up what this phone and this account are allowed."""

    name: str
    email: str
    phone: str
    password: str

    @classmethod
    def of(cls, provider: str) -> Customer:
        word = secrets.token_hex(4)
        # Numbers whose last six digits lie under 100000 have fixed outcomes in the simulator.
        last = 100_000 + secrets.randbelow(900_000)
        return cls(
            name=f"Demo {word}",
            email=f"demo-{word}@konektika.test",
            phone=f"{PREFIXES[provider]}{secrets.randbelow(10)}{last}",
            password=secrets.token_urlsafe(12),
        )


def main() -> int:
    """Returns 0 when each of the three purchases ended with an active subscription."""
    server = _server()
    if server is None:
        print("No server answers here: start one with `make run` in another terminal.")
        return 1
    failures = 0
    for provider in PREFIXES:
        customer = Customer.of(provider)
        print(f"\n{provider}: {customer.phone}")
        began = time.monotonic()
        try:
            _buy(server, provider, customer)
        except (Failed, Malformed, requests.RequestException) as reason:
            failures += 1
            print(f"  FAILED: {reason}")
        else:
            print(f"  Active, {time.monotonic() - began:.1f} s after opening the app.")
    print(f"\n{len(PREFIXES) - failures} of {len(PREFIXES)} purchases ended active.")
    return 1 if failures else 0


def _server() -> Server | None:
    """The server of `make run` in this folder, which may still be starting."""
    print("Looking for the server that `make run` keeps up.", flush=True)
    try:
        return _until(_ready_server, START_SECONDS, "server")
    except Failed:
        return None


def _ready_server() -> Server | None:
    server = running_server()
    if server is None:
        return None
    try:
        is_ready = requests.get(f"{server.url}/health/ready", timeout=5).ok
        has_phones = requests.get(f"{server.simulator_url}/control/prompts", timeout=5).ok
    except requests.ConnectionError:
        return None
    return server if is_ready and has_phones else None


def _buy(server: Server, provider: str, customer: Customer) -> None:
    """From registration to a configuration. Raises Failed, Malformed or RequestException."""
    app = App(server.url)
    _sign_in(app, customer)
    _check_enabled(app, provider)
    payment = _initiate(app, provider, customer)
    began = time.monotonic()
    enter_pin(server.simulator_url, customer.phone)
    _step("PIN entered on the phone", began)
    began = time.monotonic()
    status = _until(lambda: _final_status(app, payment["payment_id"]), PAYMENT_SECONDS, "outcome")
    _step(f"payment {status}", began)
    if status != "completed":
        raise Failed(f"The payment ended {status}.")
    _connect(app, payment["bundle_id"])


def _sign_in(app: App, customer: Customer) -> None:
    person = {
        "full_name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "password": customer.password,
        "user_type": "client",
    }
    app.post("/auth/register", person)
    reply = app.post("/auth/login", {"email": customer.email, "password": customer.password})
    app.sign_in(reply["token"])
    app.get("/auth/profile")


def _check_enabled(app: App, provider: str) -> None:
    providers = app.get("/payments/providers")["providers"]
    if not any(entry["provider"] == provider and entry["enabled"] for entry in providers):
        raise Failed(f"{provider} is not enabled: are its settings in .env?")


def _initiate(app: App, provider: str, customer: Customer) -> dict[str, Any]:
    """Start paying for the cheapest bundle that still has a seat."""
    order = {"phone_number": customer.phone, "provider": provider, "payment_method": provider}
    for bundle in sorted(app.get("/bundles")["bundles"], key=lambda bundle: bundle["price"]):
        try:
            return app.post("/payments/initiate", {"bundle_id": bundle["id"], **order})
        except Refused as refusal:
            if refusal.code != "bundle_sold_out":
                raise
    raise Failed("Every bundle is sold out: `make clean` empties the demo's database.")


def _final_status(app: App, payment_id: str) -> str | None:
    status = str(app.look(f"/payments/status/{payment_id}")["status"])
    return None if status == "pending" else status


def _connect(app: App, bundle_id: int) -> None:
    """What the app does with a paid bundle: fetch its configuration, show it among the others."""
    config = app.post("/vpn/generate-config", {"bundle_id": bundle_id})["config"]
    check_configuration(config["config_data"])
    if config["id"] not in [other["id"] for other in app.get("/vpn/configs")["configs"]]:
        raise Failed("The configuration is not in the list of the customer's configurations.")
    subscriptions = app.get("/users/subscriptions")["subscriptions"]
    if [item["status"] for item in subscriptions if item["bundle_id"] == bundle_id] != ["active"]:
        raise Failed(f"The subscription is not active: {subscriptions}")


def enter_pin(simulator_url: str, phone: str) -> None:
    """Do on the simulated phone what its owner does."""
    msisdn = phone.removeprefix("+")

    def prompt() -> dict[str, Any] | None:
        shown = requests.get(f"{simulator_url}/control/prompts", timeout=10).json()["prompts"]
        return next((prompt for prompt in shown if prompt["msisdn"] == msisdn), None)

    found = _until(prompt, PROMPT_SECONDS, "prompt on the phone")
    answer = f"{simulator_url}/control/prompts/{found['id']}/answer"
    requests.post(answer, json={"pin": PIN}, timeout=10).raise_for_status()


def _until(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """What `look` finds. Raises Failed when it finds nothing in that time."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Failed(f"No {what} within {seconds:.0f} s.")
        time.sleep(0.25)
    return found


def _step(what: str, began: float) -> None:
    print(f"  {(time.monotonic() - began) * 1000:6.0f} ms  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
