"""The scenarios, in the order in which they run."""

from .fairness import Fairness
from .http import HTTP
from .latency import Latencies
from .loss import Loss
from .memory import Memory
from .scenario import Scenario
from .sessions import Sessions
from .start import Start
from .throughput import Throughput

ALL: tuple[Scenario, ...] = (
    Throughput(), Latencies(), HTTP(), Start(), Memory(), Sessions(), Fairness(), Loss(),
)  # fmt: skip

__all__ = ["ALL", "Scenario"]
