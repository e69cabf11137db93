"""The `.env` of `make run`."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization

from deploy.local import dotenv


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    assert dotenv.write_once(path)
    return path


def test_a_file_that_exists_is_never_written_again(file: Path) -> None:
    before = file.read_text()
    assert not dotenv.write_once(file)
    assert file.read_text() == before


def test_nobody_else_may_read_the_secrets(file: Path) -> None:
    assert file.stat().st_mode & 0o077 == 0


def test_two_clones_share_no_secret(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    dotenv.write_once(other)
    ours, theirs = dotenv.effective(file, {}), dotenv.effective(other, {})
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "REDIS_URL", "WEBHOOK_TOKENS"):
        assert ours[name] != theirs[name]


def test_private_keys_can_be_encrypted_with_the_generated_key(file: Path) -> None:
    Fernet(dotenv.effective(file, {})["FIELD_ENCRYPTION_KEYS"])


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("MPESA_OPENAPI_PUBLIC_KEY", "SIMULATOR_MPESA_OPENAPI_PRIVATE_KEY"),
        ("AIRTEL_PUBLIC_KEY", "SIMULATOR_AIRTEL_PRIVATE_KEY"),
    ],
)
def test_our_public_key_fits_the_simulators_private_key(
    file: Path, public: str, private: str
) -> None:
    variables = dotenv.effective(file, {})
    assert _public_half(variables[private]) == base64.b64decode(variables[public])


def test_our_certificate_fits_the_simulators_private_key(file: Path) -> None:
    variables = dotenv.effective(file, {})
    certificate = x509.load_pem_x509_certificate(variables["MPESA_CERTIFICATE"].encode())
    ours = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert _public_half(variables["SIMULATOR_MPESA_PRIVATE_KEY"]) == ours


def _public_half(private: str) -> bytes:
    key = serialization.load_der_private_key(base64.b64decode(private), None)
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_what_an_unsigned_dialect_says_comes_by_its_secret_path(file: Path) -> None:
    variables = dotenv.effective(file, {})
    pairs = [pair.partition(":") for pair in variables["WEBHOOK_TOKENS"].split(",")]
    path = {dialect: f"/api/webhooks/in/{token}" for dialect, _, token in pairs}
    assert variables["TIGO_PESA_CALLBACK_URL"].endswith(path["tigo_pesa"])
    assert variables["SIMULATOR_TIGO_PESA_W2A_URL"].endswith(f"{path['tigo_pesa']}/w2a")
    assert variables["MPESA_RESULT_URL"].endswith(path["mpesa_daraja"])  # and of its bills


def test_other_ports_move_the_urls_of_both_sides_along(file: Path) -> None:
    moved = dotenv.effective(file, {"PORT": "9000", "SIMULATOR_PORT": "9100"})
    assert moved["MPESA_CALLBACK_URL"] == "http://127.0.0.1:9000/api/webhooks/mpesa"
    assert moved["MPESA_BASE_URL"] == "http://127.0.0.1:9100"
    assert moved["TIGO_PESA_BASE_URL"] == "http://127.0.0.1:9100/tigo"


def test_ports_may_be_exchanged(file: Path) -> None:
    moved = dotenv.effective(file, {"PORT": "8100", "SIMULATOR_PORT": "8000"})
    assert moved["AIRTEL_CALLBACK_URL"].startswith("http://127.0.0.1:8100/")
    assert moved["AIRTEL_BASE_URL"] == "http://127.0.0.1:8000"


def test_the_environment_wins_over_the_file_and_is_not_moved(file: Path) -> None:
    explicit = {"PORT": "9000", "MPESA_BASE_URL": "http://127.0.0.1:8100", "SECRET_KEY": "mine"}
    variables = dotenv.effective(file, explicit)
    assert variables["SECRET_KEY"] == "mine"
    assert variables["MPESA_BASE_URL"] == "http://127.0.0.1:8100"
