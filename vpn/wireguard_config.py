"""The text of WireGuard's configuration files, and their QR code. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterable

import segno

from vpn.models import Peer

MTU = 1280  # fits every mobile path
KEEPALIVE_SECONDS = 25


def customer_config(peer: Peer) -> str:
    """The customer's file, as `wg-quick` takes it; no PrivateKey line when the phone has its own."""
    interface = [
        ("PrivateKey", peer.private_key),
        ("Address", ", ".join(peer.tunnel_addresses)),
        ("DNS", peer.gateway.dns),
        ("MTU", str(MTU)),
    ]
    gateway = [
        ("PublicKey", peer.gateway.public_key or ""),
        ("PresharedKey", peer.preshared_key),
        # IPv6 too, even without an IPv6 range: nothing may leak past the tunnel.
        ("AllowedIPs", "0.0.0.0/0, ::/0"),
        ("Endpoint", peer.gateway.endpoint),
        ("PersistentKeepalive", str(KEEPALIVE_SECONDS)),
    ]
    return _section("Interface", interface) + "\n" + _section("Peer", gateway)


def qr_code(text: str) -> bytes:
    """A PNG that WireGuard's apps can read from a screen."""
    image = io.BytesIO()
    segno.make(text, error="m", micro=False).save(image, kind="png", scale=6)
    return image.getvalue()


def qr_code_svg(text: str) -> str:
    """The same as an inline SVG, as large as its place: a part of it could not be read."""
    return segno.make(text, error="m", micro=False).svg_inline(omitsize=True)


def _section(name: str, lines: Iterable[tuple[str, str]]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines if value)
