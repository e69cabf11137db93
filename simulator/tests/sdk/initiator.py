"""What the Daraja clients need to be an initiator."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from simulator.tests import clients

NAME = "fake-initiator"
PASSWORD = "fake-initiator-password"


def credential(url: str) -> str:
    """As the portal's documents say: the password alone, by PKCS#1 v1.5."""
    return clients.encrypted(url, "MPESA_PUBLIC_KEY", PASSWORD)


def public_key_file(url: str, folder: Path) -> Path:
    """The key as a file, for a client that encrypts by itself."""
    public = clients.public_key(url, "MPESA_PUBLIC_KEY")
    file = folder / "public_key.pem"
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file
