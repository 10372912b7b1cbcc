"""Public doubles for people who test their own chains: a server with every fault, on loopback."""

from mcp_router.testing.answers import echo
from mcp_router.testing.behaviours import Answer, Behaviour, Fault, Repeat
from mcp_router.testing.desk import Call
from mcp_router.testing.server import FaultServer

__all__ = ["Answer", "Behaviour", "Call", "Fault", "FaultServer", "Repeat", "echo"]
