"""The programs that measure, found or compiled; limits and cores. It runs no measurement."""

import os
import resource
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = ROOT / ".bench"
# Debian keeps daemons such as nginx where a user's PATH does not look.
SEARCHED = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


class BenchError(Exception):
    """Something the bench needs is missing or did not work; the message says what to do."""


def compile_all() -> None:
    """Make every program of this folder, so that no measurement has to wait for gcc."""
    for source in sorted(HERE.glob("*.c")):
        compiled(source.stem)


def compiled(name: str) -> Path:
    """Return the program made from bench/<name>.c; it is made again when a source is newer."""
    source, program = HERE / f"{name}.c", BUILD / name
    newest = max(one.stat().st_mtime for one in (source, *HERE.glob("*.h")))
    if program.exists() and program.stat().st_mtime >= newest:
        return program
    compiler = found("gcc", "Install the Debian package gcc.")
    BUILD.mkdir(exist_ok=True)
    command = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if made.returncode:
        raise BenchError(f"gcc could not compile {source}:\n{made.stderr}")
    return program


def found(program: str, advice: str) -> str:
    """Return the path of a program of this machine."""
    path = shutil.which(program, path=SEARCHED)
    if path is None:
        raise BenchError(f"{program} is not on this machine. {advice}")
    return path


def pin(core: int | None) -> tuple[str, ...]:
    """Return what to put before a command so that it stays on one core; nothing for None."""
    if core is None:
        return ()
    return (found("taskset", "Install the Debian package util-linux."), "-c", str(core))


def cores_to_pin() -> tuple[int, int]:
    """Return a core for the server and another for the client."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchError("--pin needs two cores, and this process may use one only.")
    return cores[0], cores[-1]


def raise_file_limit(needed: int) -> None:
    """Raise the limit of open files, which child processes inherit, as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(
            f"The bench needs {needed} open files in a process and the hard limit is {hard}. "
            "Raise it (ulimit -Hn) or measure with fewer --streams."
        )
