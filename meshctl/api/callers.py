"""Who asks: what changes something is taken from the server's own machine alone.

Imports nothing of its own.
"""

from ipaddress import IPv6Address, ip_address
from urllib.parse import unquote

import grpc

Context = grpc.aio.ServicerContext[object, object]

_USER = 64  # characters of a user's name that go into the log


async def local_user(context: Context, what: str, user: str) -> str:
    """Who asks, for the log; refused with PERMISSION_DENIED where that is not on this machine."""
    peer = context.peer()
    if not is_local(peer):
        words = f"{what} is taken from the machine alone that meshctl serve runs on"
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, words)
    return f"{user[:_USER]} at {peer}"


def is_local(peer: str) -> bool:
    """Whether a peer, as grpc names it (`ipv4:127.0.0.1:5000`, `ipv6:%5B::1%5D:5000`), is on this machine."""
    kind, _, rest = unquote(peer).partition(":")
    try:
        address = ip_address(rest.rpartition(":")[0].strip("[]"))
    except ValueError:
        return kind == "unix"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
