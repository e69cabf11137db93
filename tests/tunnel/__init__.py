"""A small internet in network namespaces: a gateway, customers with WireGuard, a site behind it.

Needs root and /dev/net/tun; WireGuard runs in userspace (wireguard-go), so no kernel module.
"""
