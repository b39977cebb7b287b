"""What a parser that was taken over may try: each function succeeds in a plain process, and must not in the sandbox.

They run as jobs, so they return JSON values and arrays. What is refused raises OSError; what was had is returned.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

Done = tuple[Any, dict[str, Any]]
MEGABYTE = 2**20


# Network


def tcp(port: int) -> Done:
    """Connect to a server on this machine."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as caller:
        return caller.getpeername()[1], {}


def udp(port: int) -> Done:
    """Send a datagram, to which nobody needs to answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        return caller.sendto(b"secret", ("127.0.0.1", port)), {}


def outside() -> Done:
    """Begin a connection to the world."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        return caller.connect_ex(("192.0.2.1", 80)), {}


def unix(address: str) -> Done:
    """Connect to a local service by its path, or by its abstract name (then it begins with @)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect("\0" + address[1:] if address.startswith("@") else address)
        return address, {}


def netlink() -> Done:
    """Talk to the kernel about its network."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as caller:
        return caller.fileno(), {}


# Secrets


def environment() -> Done:
    """Look for a password among the variables, also those that were there when the program began."""
    begun = Path("/proc/self/environ").read_text(encoding="utf-8", errors="replace")
    return next(line for line in [*os.environ.values(), *begun.split("\0")] if "planted" in line), {}


def variables() -> Done:
    """Look for a password among the variables only."""
    return next(value for value in os.environ.values() if "planted" in value), {}


def environment_of(pid: int) -> Done:
    """Read the variables of another process of this user."""
    return len(Path(f"/proc/{pid}/environ").read_bytes()), {}


def memory_of(pid: int) -> Done:
    """Open the memory of another process of this user."""
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        return memory.fileno(), {}


def memory_of_parent() -> Done:
    """Open the memory of the process that forked this one: it tells the platform how jobs ended."""
    return memory_of(os.getppid())


def handles_of(pid: int) -> Done:
    """Reach for the open files of another process of this user."""
    return [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()], {}


def handles() -> Done:
    """Find files that whoever started this process left open."""
    found = []
    for handle in range(3, 1024):
        try:
            os.fstat(handle)
        except OSError:
            continue
        found.append(handle)
    if not found:
        raise OSError("no file is open")
    return found, {}


# Files


def read(path: str) -> Done:
    """Read a file."""
    return len(Path(path).read_bytes()), {}


def listing(path: str) -> Done:
    """See what there is in a folder."""
    return sorted(os.listdir(path)), {}  # noqa: PTH208 - as text, it goes to JSON


def read_by_link(path: str) -> Done:
    """Read a file by a link in the folder that may be written."""
    Path("link").symlink_to(path)
    return len(Path("link").read_bytes()), {}


def read_by_second_name(path: str) -> Done:
    """Read a file under a second name in the folder that may be written."""
    Path("second").hardlink_to(path)
    return len(Path("second").read_bytes()), {}


def write(path: str) -> Done:
    """Change a file, or make one."""
    return Path(path).write_text("taken over", encoding="utf-8"), {}


def shorten(path: str) -> Done:
    """Empty a file."""
    os.truncate(path, 0)
    return 0, {}


def remove(path: str) -> Done:
    """Remove a file."""
    Path(path).unlink()
    return 0, {}


def rename(path: str) -> Done:
    """Put a file elsewhere."""
    Path(path).rename(path + ".gone")
    return 0, {}


def lock_away(path: str) -> Done:
    """Take everybody's permission to read a file."""
    Path(path).chmod(0)
    return 0, {}


def give_away(path: str) -> Done:
    """Change the owner of a file, if only to the same one."""
    os.chown(path, os.getuid(), os.getgid())
    return 0, {}


def backdate(path: str) -> Done:
    """Make a file look unchanged, or new."""
    os.utime(path, (1, 1))
    return 0, {}


def make_folder(path: str) -> Done:
    """Make a folder."""
    Path(path).mkdir()
    return 0, {}


def pipe() -> Done:
    """Make a named pipe, for which whoever reads the answer would wait."""
    os.mkfifo("pipe")
    return 0, {}


# More than is allowed


def one_huge_file() -> Done:
    """Write one file of 40 MB."""
    return Path("huge").write_bytes(bytes(40 * MEGABYTE)), {}


def many_files(wait: float) -> Done:
    """Write files of 4 MB, of which each is small enough, until there are 120 MB."""
    for number in range(30):
        Path(f"file-{number}").write_bytes(bytes(4 * MEGABYTE))
    time.sleep(wait)
    return 0, {}


def many_small_files(wait: float) -> Done:
    """Write 3000 files, to use up what a disk can name."""
    for number in range(3000):
        Path(f"file-{number}").touch()
    time.sleep(wait)
    return 0, {}


def hidden_files(wait: float) -> Done:
    """Write 120 MB to files that have no name any more, so that nobody sees them."""
    kept = []
    for number in range(30):
        kept.append(Path(f"file-{number}").open("wb"))  # noqa: SIM115 - they stay open
        kept[-1].write(bytes(4 * MEGABYTE))
        kept[-1].flush()
        Path(f"file-{number}").unlink()
    time.sleep(wait)
    return 0, {}


def deep_folders(wait: float) -> Done:
    """Make folders in folders, deeper than a path can be long, and write there."""
    for number in range(200):
        Path("a" * 200).mkdir()
        os.chdir("a" * 200)
        if number > 100:
            Path("file").write_bytes(bytes(MEGABYTE))
    time.sleep(wait)
    return 0, {}


def hoard() -> Done:
    """Take 300 MB of memory."""
    return int(np.ones(300 * MEGABYTE, np.uint8)[-1]), {}


def hoard_shared() -> Done:
    """Take 300 MB that could be shared with others."""
    with mmap.mmap(-1, 300 * MEGABYTE) as shared:
        shared[-1] = 1
        return shared[-1], {}


def hoard_unmapped() -> Done:
    """Take 300 MB as a file in memory, which no limit on addresses counts."""
    handle = os.memfd_create("hoard")
    for _ in range(75):
        os.write(handle, bytes(4 * MEGABYTE))
    os.close(handle)
    return 0, {}


def hoard_in_shm() -> Done:
    """Take memory as a file in /dev/shm."""
    path = Path(f"/dev/shm/partsight-{os.getpid()}")  # noqa: S108 - that it can't is what is shown
    path.write_bytes(bytes(MEGABYTE))
    path.unlink()
    return 0, {}


def hoard_bytes() -> Done:
    """Grow a text until it is 300 MB."""
    text = bytearray()
    while len(text) < 300 * MEGABYTE:
        text += bytes(MEGABYTE)
    return len(text), {}


def many_threads(wait: float) -> Done:
    """Start 700 threads that stay."""
    threading.stack_size(65536)
    for _ in range(700):
        threading.Thread(target=time.sleep, args=(wait + 1,), daemon=True).start()
    time.sleep(wait)
    return 0, {}


def many_handles() -> Done:
    """Open 500 files."""
    kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(500)]
    return len(kept), {}


def raise_limits() -> Done:
    """Allow itself more, as far as anybody may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard, {}


def spin(seconds: float) -> Done:
    """Compute for that long."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return 0, {}


def spin_stubbornly(seconds: float) -> Done:
    """Compute for that long, deaf to the warning."""
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return spin(seconds)


def spin_on_threads(seconds: float) -> Done:
    """Let the limit count one thread of many."""
    workers = [threading.Thread(target=spin, args=(seconds,), daemon=True) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 0, {}


def sleep(seconds: float) -> Done:
    """Wait for that long."""
    time.sleep(seconds)
    return 0, {}


# Processes


def fork() -> Done:
    """Have a child."""
    child = os.fork()
    if not child:
        os._exit(0)
    return os.waitpid(child, 0)[1], {}


def start() -> Done:
    """Start a program."""
    return subprocess.run([sys.executable, "-c", ""], check=True).returncode, {}


def become() -> Done:
    """Become another program."""
    os.execv(sys.executable, [sys.executable, "-c", ""])  # noqa: S606 - that it can't is what is shown


def kill(pid: int, number: int = 0) -> Done:
    """Send another process a signal; 0 only asks whether it could."""
    os.kill(pid, number)
    return 0, {}


def interrupt_by_file(pid: int) -> Done:
    """Let the kernel signal another process when a file is ready."""
    import fcntl

    ends = os.pipe()
    fcntl.fcntl(ends[0], fcntl.F_SETOWN, pid)
    return 0, {}


def outlive() -> Done:
    """Ask the kernel to be left alive when the platform ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(1, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    return 0, {}


def be_traced() -> Done:
    """Use ptrace at all."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "ptrace")
    return 0, {}


def slow_down(pid: int) -> Done:
    """Bind another process to one core, or give way before it."""
    os.sched_setaffinity(pid, os.sched_getaffinity(pid))
    return 0, {}


def become_somebody() -> Done:
    """Change the user, if only to the same one."""
    os.setuid(os.getuid())
    return 0, {}
