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
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _SET_PTRACER = 1, 4, 22, 38, 0x59616D61
_SECCOMP_FILTER = 2
_CAPABILITIES_3, _READ_ANY_FILE = 0x20080522, 2

# What Linux added after 2019 has the same number everywhere.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RECENT = 424
# close_range, openat2, faccessat2, epoll_pwait2, futex_waitv, cachestat, map_shadow_stack, futex_*, mseal
_RECENT_ALLOWED = (436, 437, 439, 441, 449, 451, 453, 454, 455, 456, 462)

# What a parser never needs, by its numbers on x86_64 and aarch64 (-1: not there): network; processes and who they
# are; other processes; files that are no data; what belongs to the machine; memory that no limit counts.
# fmt: off
_FORBIDDEN = {
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "sendto": (44, 206), "sendmsg": (46, 211),
    "bind": (49, 200), "listen": (50, 201), "socketpair": (53, 199), "accept4": (288, 242), "sendmmsg": (307, 269),
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281), "unshare": (272, 97),
    "setns": (308, 268), "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159), "setfsuid": (122, 151),
    "setfsgid": (123, 152), "capset": (126, 91), "personality": (135, 92), "setrlimit": (160, 164),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "setpriority": (141, 140),
    "sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122), "ioprio_set": (251, 30), "migrate_pages": (256, 238), "move_pages": (279, 239),
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, -1), "fchown": (93, 55),
    "lchown": (94, -1), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, -1),
    "utimes": (235, -1), "futimesat": (261, -1), "utimensat": (280, 88), "mknod": (133, -1), "mknodat": (259, 33),
    "inotify_init": (253, -1), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "quotactl": (179, 60), "acct": (163, 89), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161), "setdomainname": (171, 162),
    "iopl": (172, -1), "ioperm": (173, -1), "modify_ldt": (154, -1), "vhangup": (153, 58), "syslog": (103, 116),
    "settimeofday": (164, 170), "adjtimex": (159, 171), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "lookup_dcookie": (212, 18),
    "memfd_create": (319, 279), "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190),
    "mq_open": (240, 180),
}
_WATCHED = {"clone": (56, 220), "kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261), "fcntl": (72, 25),
            "prctl": (157, 167)}
# fmt: on
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# F_SETOWN, F_SETSIG and F_SETOWN_EX make the kernel signal somebody; leases stop others; a pipe may be made huge
_FCNTL_FORBIDDEN = (8, 10, 15, 1024, 1026, 1031)

# Landlock's rights (linux/landlock.h), and how many of them each version of its interface knows.
_READ = 1 << 2 | 1 << 3
_WRITE = _READ | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14  # plain files and folders; no links, no devices
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


def close_to_others() -> None:
    """Let no other process of this user look into this one: neither its memory nor its environment."""
    _checked(_libc().prctl(_SET_DUMPABLE, 0, 0, 0, 0), "prctl")


def open_to_parent() -> None:
    """Undo `close_to_others`, which a child inherits: who watches it has to see its files."""
    _checked(_libc().prctl(_SET_DUMPABLE, 1, 0, 0, 0), "prctl")


def drop_capabilities() -> bool:
    """Give up what root may do beyond others; only files may still be read whoever owns them. False if impossible."""
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    held = ctypes.create_string_buffer(24)
    libc = _libc()
    if libc.capget(header, held) != 0:
        return False
    kept = struct.unpack("=6I", held.raw)[1] & 1 << _READ_ANY_FILE
    return bool(libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)) == 0)


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
    """Cap this process: memory beyond what is mapped now, processor time, size of a file, open files, none in core."""
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    wanted = {
        resource.RLIMIT_AS: mapped + memory_mb * MEGABYTE,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: output_mb * MEGABYTE,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
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


def _filter(architecture: int, column: int) -> bytes:
    """BPF program (struct sock_filter[]) that answers EPERM to what a parser never needs, ENOSYS to what is new."""
    load, equal, above, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, deny, unknown = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS

    def argument(index: int) -> int:
        return 16 + 8 * index

    def none_of(index: int, values: Iterable[int]) -> list[tuple[int, int, int, int]]:
        refused = [line for value in values for line in ((equal, 0, 1, value), (answer, 0, 0, deny))]
        return [(load, 0, 0, argument(index)), *refused, (answer, 0, 0, allow)]

    code = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, deny), (load, 0, 0, 0)]
    code += [(above, 0, 1, 0x40000000), (answer, 0, 0, deny)]  # the x32 variants of the same calls
    for number in (numbers[column] for numbers in _FORBIDDEN.values() if numbers[column] >= 0):
        code += [(equal, 0, 1, number), (answer, 0, 0, deny)]
    recent = [line for number in _RECENT_ALLOWED for line in ((equal, 0, 1, number), (answer, 0, 0, allow))]
    # glibc does without them: io_uring, pidfd_*, the new mount calls, clone3, and those that are yet to come
    code += [(above, 0, len(recent) + 1, _RECENT), *recent, (answer, 0, 0, unknown)]
    threads_only = [(load, 0, 0, argument(0)), (any_bit, 0, 1, 0x10000), (answer, 0, 0, allow), (answer, 0, 0, deny)]
    itself_only = [(load, 0, 0, argument(0)), (equal, 0, 1, os.getpid()), (answer, 0, 0, allow), (answer, 0, 0, deny)]
    reading_only = [
        *[(load, 0, 0, argument(2)), (equal, 0, 2, 0), (load, 0, 0, argument(2) + 4), (equal, 1, 0, 0)],
        *[(answer, 0, 0, deny), (answer, 0, 0, allow)],
    ]
    rules = {"clone": threads_only, "kill": itself_only, "tgkill": itself_only, "prlimit64": reading_only}
    rules["fcntl"] = none_of(1, _FCNTL_FORBIDDEN)
    rules["prctl"] = none_of(0, (_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_PTRACER))
    for name, block in rules.items():
        code += [(equal, 0, len(block), _WATCHED[name][column]), *block]
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
    for paths, allowed in ((readable, _READ), (writable, _WRITE)):
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
