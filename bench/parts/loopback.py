"""ICE on loopback alone, for programs that use aiortc as it is."""

import aioice.ice


def stay_on_loopback() -> None:
    """aioice leaves 127.0.0.1 out of its candidates: the one address that a benchmark needs."""
    aioice.ice.get_host_addresses = _only_loopback


def _only_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    return ["127.0.0.1"] if use_ipv4 else []
