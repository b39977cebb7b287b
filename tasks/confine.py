"""What a process gives up before it touches bytes that nobody vouches for: files, network, other processes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MEGABYTE = 1024 * 1024

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _SECCOMP_FILTER = 1, 22, 38, 2

# The same numbers on every architecture that Linux added after 2019.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_COMMON = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_send_signal": 424}
_COMMON |= {"pidfd_getfd": 438, "clone3": 435}

# fmt: off
_X86_64 = _COMMON | {
    "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50, "socketpair": 53,
    "accept4": 288, "sendmmsg": 307, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "kill": 62,
    "tkill": 200, "tgkill": 234, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "unshare": 272,
    "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "keyctl": 250, "add_key": 248, "request_key": 249, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "kexec_load": 246, "open_by_handle_at": 304, "shmget": 29, "msgget": 68, "semget": 64,
    "mq_open": 240, "setrlimit": 160, "prlimit64": 302,
}
_AARCH64 = _COMMON | {
    "socket": 198, "connect": 203, "accept": 202, "sendto": 206, "sendmsg": 211, "bind": 200, "listen": 201,
    "socketpair": 199, "accept4": 242, "sendmmsg": 269, "clone": 220, "execve": 221, "execveat": 281, "kill": 129,
    "tkill": 130, "tgkill": 131, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "unshare": 97,
    "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "bpf": 280, "perf_event_open": 241,
    "userfaultfd": 282, "keyctl": 219, "add_key": 217, "request_key": 218, "init_module": 105, "finit_module": 273,
    "delete_module": 106, "kexec_load": 104, "open_by_handle_at": 265, "shmget": 194, "msgget": 186, "semget": 190,
    "mq_open": 180, "setrlimit": 164, "prlimit64": 261,
}
# fmt: on
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}

# Landlock's rights (linux/landlock.h), and how many of them each version of its interface knows.
_READ = 1 << 2 | 1 << 3
_ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that started it ends."""
    _checked(_libc().prctl(_SET_DEATH_SIGNAL, 9, 0, 0, 0), "prctl")


def die_first() -> None:
    """Be the one that the kernel ends when the machine's memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def leave_network() -> bool:
    """Move into a network namespace with no interfaces; false where the system does not allow it."""
    libc = _libc()
    if libc.unshare(_NEW_NETWORK) == 0:
        return True
    return bool(libc.unshare(_NEW_USER | _NEW_NETWORK) == 0)


def limit(memory_mb: int, cpu_seconds: int, output_mb: int) -> None:
    """Cap this process: memory beyond what is mapped now, processor time, size of a file, open files, no core dump."""
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    wanted = {
        resource.RLIMIT_AS: mapped + memory_mb * MEGABYTE,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: output_mb * MEGABYTE,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # a soft limit below the hard one for processor time: SIGXCPU tells it from any other kill
        resource.setrlimit(kind, (value, value + 1 if kind == resource.RLIMIT_CPU else value))


def forbid_system_calls() -> bool:
    """Refuse network, new processes, signals to others and the like from now on (seccomp); false if not possible."""
    if platform.machine() not in _ARCHITECTURES:
        return False
    program = _filter(*_ARCHITECTURES[platform.machine()])
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    libc = _libc()
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, header, 0, 0) == 0)


def _filter(architecture: int, numbers: dict[str, int]) -> bytes:
    """BPF program (struct sock_filter[]) that answers EPERM to what a parser never needs."""
    load, equal, above, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, deny, unknown = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

    def argument(index: int) -> int:
        return 16 + 8 * index

    code = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, deny), (load, 0, 0, 0)]
    code += [(above, 0, 1, 0x40000000), (answer, 0, 0, deny)]  # the x32 variants of the same calls
    special = {"clone", "clone3", "kill", "tgkill", "prlimit64"}
    for name, number in numbers.items():
        if name not in special:
            code += [(equal, 0, 1, number), (answer, 0, 0, deny)]
    code += [(equal, 0, 1, numbers["clone3"]), (answer, 0, 0, unknown)]  # glibc then falls back to clone
    threads_only = [(load, 0, 0, argument(0)), (any_bit, 0, 1, 0x10000), (answer, 0, 0, allow), (answer, 0, 0, deny)]
    itself_only = [(load, 0, 0, argument(0)), (equal, 0, 1, os.getpid()), (answer, 0, 0, allow), (answer, 0, 0, deny)]
    reading_only = [
        *[(load, 0, 0, argument(2)), (equal, 0, 2, 0), (load, 0, 0, argument(2) + 4), (equal, 1, 0, 0)],
        *[(answer, 0, 0, deny), (answer, 0, 0, allow)],
    ]
    rules = (("clone", threads_only), ("kill", itself_only), ("tgkill", itself_only), ("prlimit64", reading_only))
    for name, block in rules:
        code += [(equal, 0, len(block), numbers[name]), *block]
    code.append((answer, 0, 0, allow))
    return b"".join(struct.pack("HBBI", *line) for line in code)


def landlock_version() -> int:
    """Version of the kernel's Landlock interface, 0 where there is none."""
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, 0, 1)))


def forbid_files(readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Leave only `readable` and `writable` files and folders reachable (Landlock); false where there is none."""
    version = landlock_version()
    if not version:
        return False
    libc = _libc()
    rights = (1 << _RIGHTS.get(version, 16)) - 1
    # from version 4 on it also refuses TCP, from version 6 on signals and abstract sockets across its border
    attributes = struct.pack("QQQ", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    for paths, allowed in ((readable, _READ), (writable, rights & ~1)):
        for path in paths:
            _open_door(libc, ruleset, path, allowed & rights)
    libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return True


def _open_door(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # a library folder that this system does not have needs no door
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            allowed &= _ON_FILES
        rule = struct.pack("=Qi", allowed, handle)
        _checked(libc.syscall(_ADD_RULE, ruleset, 1, rule, 0), "landlock_add_rule")
    finally:
        os.close(handle)
