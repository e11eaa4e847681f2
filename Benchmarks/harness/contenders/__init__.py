"""What is measured side by side: each contender starts tunnels between the two sides of a placement."""

from .openssh import OpenSSH
from .socket_warp import SocketWarp
from .stunnel import Stunnel
from .tunnel import Contender, Direct, Endpoint, Tunnel, Setting

NO_TUNNEL = Direct()
SOCKET_WARP = SocketWarp()
OPENSSH = OpenSSH()
STUNNEL = Stunnel()

# In the order of the report's columns and of each round.
ALL: tuple[Contender, ...] = (NO_TUNNEL, SOCKET_WARP, OPENSSH, STUNNEL)

__all__ = [
    "ALL", "NO_TUNNEL", "OPENSSH", "SOCKET_WARP", "STUNNEL",
    "Contender", "Direct", "Endpoint", "OpenSSH", "Setting", "SocketWarp", "Stunnel", "Tunnel",
]  # fmt: skip
