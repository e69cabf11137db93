"""The colours of states, the same on every page."""

from vpn.gateway_health import GatewayHealth

GATEWAY_LABELS = {"active": "success", "draining": "warning", "offline": "danger"}

HEALTH_LABELS = {
    GatewayHealth.NOT_ENROLLED.label: "info",
    GatewayHealth.SILENT.label: "danger",
    GatewayHealth.REFUSES.label: "danger",
    GatewayHealth.BEHIND.label: "warning",
    GatewayHealth.HEARD.label: "success",
}

PEER_LABELS = {"active": "success", "suspended": "warning", "revoked": "danger"}

ONLINE, NEVER = "Online", "Never connected"
HANDSHAKE_LABELS = {ONLINE: "success", NEVER: "warning"}
