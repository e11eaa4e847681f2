"""The clients on the visitor's side, each run to its end and its output read."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass

from .contenders import Endpoint
from .failures import CannotRun
from .placement import Side
from .processes import run_for_output
from .workspace import Workspace


# iperf3's server closes its listening socket after a test and opens it anew: who comes in between is refused.
_SERVER_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Transfer:
    """What an iperf3 run carried, as its receiver counted it."""

    gigabits_per_second: float
    gigabytes: float


@dataclass(frozen=True)
class Latency:
    """Of one exchange, in microseconds."""

    count: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Requests:
    """Of one wrk run."""

    per_second: float
    errors: int


def iperf_command(endpoint: Endpoint, seconds: float, streams: int, reverse: bool) -> list[str]:
    command = ["iperf3", "--json", "--client", endpoint.host, "--port", str(endpoint.port)]
    command += ["--time", f"{seconds:g}", "--parallel", str(streams)]
    return command + (["--reverse"] if reverse else [])


def iperf(side: Side, endpoint: Endpoint, seconds: float, streams: int, reverse: bool) -> Transfer:
    """Bulk transfer, from the visitor to the target or, reversed, back."""
    command = side.command(iperf_command(endpoint, seconds, streams, reverse))
    time.sleep(_SERVER_PAUSE_SECONDS)
    for _ in range(5):
        report = json.loads(run_for_output(command, seconds=4 * seconds + 40))
        received = report.get("end", {}).get("sum_received")
        if received is not None and "error" not in report:
            return Transfer(received["bits_per_second"] / 1e9, received["bytes"] / 1e9)
        # The server takes one client at a time, and learns late that the one before has gone.
        if "busy" not in report.get("error", ""):
            break
        time.sleep(1)
    raise CannotRun(f"iperf3: {report.get('error', 'there is no result')}")


def latency(workspace: Workspace, side: Side, mode: str, endpoint: Endpoint, seconds: float) -> Latency:
    """`mode` is ping, split or connect."""
    tool = [str(workspace.tool("pingpong")), mode, endpoint.host, str(endpoint.port), f"{seconds:g}"]
    report = json.loads(run_for_output(side.command(tool), seconds=seconds + 30))
    if report["errors"] > report["count"] / 100:
        raise CannotRun(f"{report['errors']} of {report['count'] + report['errors']} connections failed")
    return Latency(report["count"], report["p50"], report["p99"])


def wrk(side: Side, endpoint: Endpoint, seconds: int, connections: int, close: bool) -> Requests:
    """Requests over so many connections, kept alive or a new one for each."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command += ["--header", "Connection: close"] if close else []
    output = run_for_output(side.command([*command, f"http://{endpoint.host}:{endpoint.port}/"]), seconds=seconds + 30)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", output)
    if rate is None or float(rate[1]) == 0:
        raise CannotRun("no request succeeded")
    errors = sum(int(number) for line in re.findall(r"Socket errors:.*", output) for number in re.findall(r"\d+", line))
    errors += sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
    return Requests(float(rate[1]), errors)
