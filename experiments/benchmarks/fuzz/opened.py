"""What clipkit opens while it handles hostile uploads: a cut and a tune of each under strace.

    python experiments/benchmarks/fuzz/opened.py [--ffmpeg BUILD] [--only NAME]

Outside the interpreter, its packages, the programs and libraries of the system, /proc, /sys and /dev's
null and random numbers, nothing is to be opened but the upload, and what the command writes: its output
folder and its temporary files. Nothing connects to an address of a network. Prints for each the time, the
largest Python process (without strace), and what else was opened; ends with 1 where there was anything.
Needs strace.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import commanded
import hostile
import matplotlib
from trying import LONGEST_S, MOST_BYTES

import clipkit

# Ten that try what can be tried: to be another film, the network, memory, time, or a name.
TEN = (
    *("playlist_before_packets", "playlist", "concatenation", "manifest", "session"),
    *(
        "sixty_million_samples",
        "empty_fragments",
        "blocking_proc_file",
        "long_edit",
        "name_like_a_protocol",
    ),
)
_COUNT = ("--count", "2", "--length", "0.3")
# Programs, libraries and what they are set up by; none of it is anyone's.
_SYSTEM = ("/usr/", "/lib", "/bin/", "/etc/ld.so", "/proc", "/sys", "/dev/null", "/dev/urandom")
# What the C library and Python read of the machine by themselves, its language, time and names, and the
# folders that are listed to see which libraries an ffmpeg may be let to read. Told apart.
OF_THE_MACHINE = (
    *("/", "/etc", "/usr"),
    *(
        "/etc/locale.alias",
        "/etc/localtime",
        "/etc/machine-id",
        "/etc/nsswitch.conf",
        "/etc/passwd",
    ),
    *("/etc/os-release", "/etc/ssl/openssl.cnf", "/etc/mime.types", "/etc/group"),
)
_CALLS = "trace=open,openat,openat2,creat,connect,sendto,sendmsg,execve"
_STRACE = ("-f", "-y", "-qq", "-s", "300", "-e", _CALLS)
_OPENED = re.compile(
    r'(?:open|openat|openat2|creat)\((?:[^,"]+, )?"((?:[^"\\]|\\.)*)".*\) = \d+(?:<(.*)>)?'
)
_CONNECTED = re.compile(r"(?:connect|sendto|sendmsg)\(.*sa_family=(AF_\w+)(.*)")


@dataclass(frozen=True, slots=True)
class Seen:
    """`others`: what was opened that should not be, `reached`: to which addresses it connected."""

    others: tuple[str, ...]
    reached: tuple[str, ...]
    code: int


def trace(words: list[str], folder: Path, allowed: tuple[Path, ...]) -> Seen:
    """Run clipkit with these words under strace, in `folder`."""
    log = folder / "strace.log"
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(temporary), "CLIPKIT_ACCEPT_NOISE": "1"}
    ran = subprocess.run(
        ["strace", *_STRACE, "-o", log, sys.executable, "-P", "-m", "clipkit", *words],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        timeout=300,
    )
    lines = log.read_text("utf-8", "replace").splitlines()
    return Seen(
        others=tuple(sorted(set(_others(lines, (*allowed, temporary))))),
        reached=tuple(sorted(set(_reached(lines)))),
        code=ran.returncode,
    )


def _others(lines: list[str], allowed: tuple[Path, ...]) -> Iterator[str]:
    own = [*_SYSTEM, *{sys.prefix, sys.base_prefix, *map(str, allowed)}]
    own += [str(path) for path in _packages()]
    roots = {str(Path(clipkit.__file__).parents[1]), *_editable()}
    for line in lines:
        if found := _OPENED.search(line):
            asked, real = found.groups()
            path = re.sub(r"\\(\d{1,3})", _byte, real or asked)
            # A folder on Python's own path is listed, to see what can be imported from there.
            listed = path in roots
            if path.startswith("/") and not listed and not path.startswith(tuple(own)):
                yield path


def _byte(octal: re.Match[str]) -> str:
    return os.fsdecode(bytes([int(octal[1], 8)]))


def _packages() -> Iterator[Path]:
    """What Python imports from, the package's own folder, and where matplotlib keeps the list of fonts."""
    yield Path(clipkit.__file__).parent
    yield Path(matplotlib.get_cachedir())
    yield from (Path(entry) for entry in sys.path if entry and "site-packages" in entry)


def _editable() -> Iterator[str]:
    """Checkouts that the environment's own path files name."""
    for path in _packages():
        for file in path.glob("*.pth"):
            yield from file.read_text("utf-8", "replace").splitlines()


def _reached(lines: list[str]) -> Iterator[str]:
    """Addresses of a network; a socket in the file system is none, nor is a question to the kernel."""
    for line in lines:
        found = _CONNECTED.search(line)
        if found and found[1] in ("AF_INET", "AF_INET6"):
            yield found[0][:120]


def commands(upload: Path, out: Path, build: str) -> dict[str, list[str]]:
    told = ["--", os.fspath(upload)]
    tuned = ["tune", "--results", os.fspath(out), "--as", "tuned", "--no-report", "--budget", "0.1"]
    return {
        "cut": ["cut", "--out", os.fspath(out), *_COUNT, "--ffmpeg", build, *told],
        "tune": [*tuned, *_COUNT, *told],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="What is opened for hostile uploads.")
    parser.add_argument("--ffmpeg", default="system", metavar="BUILD", help="default system")
    parser.add_argument("--only", choices=TEN, help="one of the ten")
    given = parser.parse_args()
    if not shutil.which("strace"):
        parser.error("needs strace: apt-get install strace")
    faulty = 0
    for name in [given.only] if given.only else TEN:
        with tempfile.TemporaryDirectory() as temporary:
            root = Path(temporary)
            (root / "upload").mkdir()
            upload = hostile.BY_NAME[name].make(root / "upload")
            for command in ("cut", "tune"):
                faulty += not show(name, command, upload, root, given.ffmpeg)
    print(f"{faulty} not as they should be")
    sys.exit(1 if faulty else 0)


def show(name: str, command: str, upload: Path, root: Path, build: str) -> bool:
    """Run it twice, plain for its time and memory, then under strace; whether all is well."""
    plain = commanded.clipkit(
        commands(upload, root / f"{command}-plain", build)[command], root / "plain", limit_s=120
    )
    seen = trace(commands(upload, root / command, build)[command], root, (upload, root / command))
    others = [path for path in seen.others if path not in OF_THE_MACHINE]
    machine = [path for path in seen.others if path in OF_THE_MACHINE]
    well = not others and not seen.reached and not plain.left
    # A film that is harmless is tuned for as long as that takes.
    refused = plain.code == 1
    well &= plain.python_peak_bytes <= MOST_BYTES and (not refused or plain.wall_s <= LONGEST_S)
    print(
        f"{'  ' if well else '!!'} {command:<5} {name:<24} exit {plain.code} {plain.wall_s:6.1f} s "
        f"{plain.python_peak_bytes / 2**20:5.0f} MB  opened besides: {', '.join(others) or 'nothing'}"
        f"{'; of the machine ' if machine else ''}{', '.join(machine)}"
        f"{'  connected: ' if seen.reached else ''}{', '.join(seen.reached)} {' '.join(plain.left)}",
        flush=True,
    )
    return well


if __name__ == "__main__":
    main()
