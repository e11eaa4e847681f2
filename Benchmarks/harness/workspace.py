"""The temporary folder of one run, and where the programs are."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from .failures import CannotRun

BENCHMARKS = Path(__file__).resolve().parent.parent
REPOSITORY = BENCHMARKS.parent
_BUILD = "swift build -c release --static-swift-stdlib"
_TOOLS = ("bench_target", "pingpong", "hold", "lossy_relay")


@dataclass(frozen=True)
class Workspace:
    """Logs, settings and certificates are in `folder`; the release programs and the C tools are found here."""

    folder: Path
    binaries: Path
    tools: Path
    _numbers: Iterator[int]

    def program(self, name: str) -> Path:
        path = self.binaries / name
        if not path.exists():
            raise CannotRun(f"there is no {path}: build it with `{_BUILD} --product {name}`")
        return path

    def benchmark_program(self, name: str) -> Path:
        """A program of the Swift package in Benchmarks/."""
        path = BENCHMARKS / ".build" / "release" / name
        if not path.exists():
            command = f"{_BUILD} --package-path Benchmarks --product {name}"
            raise CannotRun(f"there is no {path}: build it with `{command}`")
        return path

    def tool(self, name: str) -> Path:
        return self.tools / name

    def log(self, name: str) -> Path:
        return self.folder / f"{next(self._numbers):03}-{name}.log"

    def subfolder(self, name: str) -> Path:
        path = self.folder / f"{next(self._numbers):03}-{name}"
        path.mkdir()
        return path


@contextmanager
def made_workspace(binaries: Path, keep: bool) -> Iterator[Workspace]:
    """A fresh temporary folder with the compiled tools; gone afterwards unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="socket-warp-bench."))
    try:
        yield Workspace(folder, binaries.resolve(), _compiled_tools(), count(1))
    finally:
        if keep:
            print(f"logs are kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _compiled_tools() -> Path:
    """Compiles the C tools whose source is newer than their program."""
    folder = REPOSITORY / ".build" / "benchmark-tools"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TOOLS:
        source, program = BENCHMARKS / "tools" / f"{name}.c", folder / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(program), str(source)]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode != 0:
                raise SystemExit(f"Failed: {' '.join(command)}\n{result.stderr}")
    return folder
