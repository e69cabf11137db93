"""The colours of states, the same on every page."""

from vpn.health import Health

GATEWAY_LABELS = {"active": "success", "draining": "warning", "offline": "danger"}

HEALTH_LABELS = {
    Health.NOT_ENROLLED.label: "info",
    Health.SILENT.label: "danger",
    Health.REFUSES.label: "danger",
    Health.BEHIND.label: "warning",
    Health.HEARD.label: "success",
}

PEER_LABELS = {"active": "success", "suspended": "warning", "revoked": "danger"}

ONLINE, NEVER = "Online", "Never connected"
HANDSHAKE_LABELS = {ONLINE: "success", NEVER: "warning"}
