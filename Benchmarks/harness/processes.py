"""Child processes: started with a log, measured through /proc, and always ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .failures import CannotRun

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """Runs in the child: it ends with the harness, even if that is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Descendants whose parent has ended become the harness's children, so that it can wait for them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def tree(pid: int) -> list[int]:
    """The process and all its descendants that are alive."""
    members = [pid]
    for member in members:
        try:
            for task in Path(f"/proc/{member}/task").iterdir():
                members += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return members


class Daemon:
    """A process that runs until it is stopped. Its output goes to a log file; with an `interactive` one one talks."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        interactive: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if interactive else subprocess.DEVNULL,
                stdout=subprocess.PIPE if interactive else output,
                stderr=output,
                cwd=folder,
                env={**os.environ, **environment} if environment is not None else None,
                start_new_session=True,  # Ctrl-C reaches the harness only, which ends them in order
                preexec_fn=_die_with_parent,
                text=True,
            )

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of the process tree so far."""
        total = 0
        for pid in tree(self.process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += int(fields[11]) + int(fields[12])
        return total / _TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        """Resident memory of the process tree; pages that its processes share count once for each."""
        return self._status_bytes("VmRSS")

    def anonymous_bytes(self) -> int:
        """The part of the resident memory that is not the pages of programs and libraries."""
        return self._status_bytes("RssAnon")

    def peak_resident_bytes(self) -> int:
        """The highest resident memory since `reset_peak`, summed over the process tree."""
        return self._status_bytes("VmHWM")

    def reset_peak(self) -> None:
        for pid in tree(self.process.pid):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def wait_until(self, is_ready: Callable[[], bool], what: str, seconds: float = 15) -> None:
        """Waits until it is ready, or says why it will not be."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_alive:
                raise CannotRun(f"{self.name} ended with {self.process.returncode} before {what}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise CannotRun(f"{self.name}: {what} not within {seconds:.0f} s: {self.last_words()}")
            time.sleep(0.002)

    def read_line(self, what: str) -> str:
        """The next line of an interactive one's standard output."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise CannotRun(f"{self.name} ended before {what}: {self.last_words()}")
        return line.rstrip("\n")

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-2:]) or "it said nothing"

    def stop(self, patience: float = 5) -> None:
        """Ends the whole process tree: gently, then by force."""
        members = tree(self.process.pid) if self.is_alive else []
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in members:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(timeout=patience)
            except subprocess.TimeoutExpired:
                continue
            members = [pid for pid in members if not _has_ended(pid)]
            if not members:
                break
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _status_bytes(self, field: str) -> int:
        total = 0
        for pid in tree(self.process.pid):
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))
        return total


def _has_ended(pid: int) -> bool:
    """Whether the process is no more; collects it if it was an orphan."""
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return True
        except ChildProcessError:
            if not Path(f"/proc/{pid}").exists():
                return True
        time.sleep(0.005)
    return False


def run_for_output(command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """Runs a client to its end and returns its standard output; `CannotRun` when it fails or takes longer."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise CannotRun(f"{_program(command)} did not end within {seconds:.0f} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0 and not output.startswith("{"):  # iperf3 says in its JSON what went wrong
        reason = (errors.strip() or output.strip())[-300:]
        raise CannotRun(f"{_program(command)} ended with {process.returncode}: {' '.join(reason.split())}")
    return output


def _program(command: Sequence[str]) -> str:
    """The name of the program in a command that may begin with nsenter."""
    rest = [word for word in command if not word.startswith("--net=") and word not in ("nsenter", "--")]
    return Path(rest[0]).name
