"""What the figures were measured on: machine, kernel and the versions of everything."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from .workspace import REPOSITORY


def describe() -> dict[str, str]:
    """Names and values, in the order of the report."""
    facts = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "system": f"{platform.freedesktop_os_release().get('PRETTY_NAME', '?')}, Linux {platform.release()}",
        "TCP congestion control": _read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "net.core.rmem_max, wmem_max": ", ".join(_read(f"/proc/sys/net/core/{name}mem_max") for name in "rw"),
        "Swift": _first(["swift", "--version"], r"Swift version (\S+)"),
        "ngtcp2": _package("libngtcp2-dev"),
        "GnuTLS": _package("libgnutls28-dev"),
        "OpenSSH": _first(["ssh", "-V"], r"OpenSSH_([^,]+)"),
        "stunnel": _package("stunnel4"),
        "OpenSSL": _first(["openssl", "version"], r"OpenSSL (\S+)"),
        "iperf3": _package("iperf3"),
        "wrk": _package("wrk"),
    }
    return facts


def load() -> str:
    """The load averages: how busy the machine was with other things."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _commit() -> str:
    commit = _output(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]).strip() or "unknown"
    changed = _output(["git", "-C", str(REPOSITORY), "status", "--porcelain", "--", "Sources", "Package.swift"]).strip()
    return commit + (" with changes" if changed else "")


def _output(command: Sequence[str]) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout + result.stderr


def _first(command: Sequence[str], pattern: str) -> str:
    match = re.search(pattern, _output(command))
    return match[1].strip() if match else "unknown"


def _package(name: str) -> str:
    """The version of a Debian package."""
    return _output(["dpkg-query", "--show", "--showformat=${Version}", name]).strip() or "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def _field(path: str, name: str) -> str:
    match = re.search(rf"^{name}\s*:\s*(.*)$", _read(path), re.MULTILINE)
    return match[1] if match else "0 unknown"
