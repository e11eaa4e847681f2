"""The scenarios, in the order in which they run."""

from .connections import Connections
from .fairness import Fairness
from .http import HTTP
from .instructions import Instructions
from .latency import Latencies
from .loss import Loss
from .memory import Memory
from .scenario import Scenario
from .sessions import Sessions
from .start import Start
from .throughput import Throughput

ALL: tuple[Scenario, ...] = (
    Throughput(), Latencies(), HTTP(), Start(), Memory(), Sessions(), Fairness(), Loss(),
    Connections(), Instructions(),
)  # fmt: skip

__all__ = ["ALL", "Scenario"]
