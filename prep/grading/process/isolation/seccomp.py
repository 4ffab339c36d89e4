"""seccomp: system calls that no kernel file needs are refused, by a filter that the kernel runs at each call.

The filter is a deny-list: what numpy, torch, the interpreter and a compiler call differs from version to version, and a
call that is refused by mistake would fail a right submission. Refused are: the network, other processes (tracing them,
their memory, signals to the judge's), what only an administrator needs, and interfaces of the kernel that are known for
holes (bpf, io_uring, userfaultfd, keys, user namespaces).

Source: Documentation/userspace-api/seccomp_filter.rst of the kernel; numbers of its syscall tables.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Iterator

from prep.grading.process.isolation.libc import PR_SET_SECCOMP, prctl

_AUDIT = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}

_NUMBERS: dict[str, tuple[int, int]] = {  # x86_64, aarch64
    # Sockets of any family: those of files lead to daemons (docker, D-Bus) that do more than we may.
    "socket": (41, 198),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "unshare": (272, 97),
    "setns": (308, 268),
    # Interfaces known for holes.
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # An administrator's.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "syslog": (103, 116),
}
_IOPL, _IOPERM = 172, 173  # x86_64 only
_KILL = {"kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138)}
_KILL["rt_tgsigqueueinfo"] = (297, 240)
_PRLIMIT, _CLONE, _CLONE3 = (302, 261), (56, 220), (435, 435)

_NEW_NAMESPACES = 0x7E02_0000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""

_X32 = 0x4000_0000
"""Set in the numbers of x86_64's second table, which our list does not name."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _REFUSE = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Where they lie in struct seccomp_data; of an argument the lower half, on a little-endian machine."""

Instruction = tuple[int, int, int, int]


def supported() -> bool:
    """Is this a machine whose system calls the filter knows?"""
    return sys.platform == "linux" and platform.machine() in _AUDIT


def _program(machine: str, protected: tuple[int, ...]) -> Iterator[Instruction]:
    which = list(_AUDIT).index(machine)
    refuse = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_EQUAL, 1, 0, _AUDIT[machine])
    yield (_RETURN, 0, 0, _KILL_PROCESS)  # 32-bit code, with numbers of its own
    yield (_LOAD, 0, 0, _NUMBER)
    numbers = [pair[which] for pair in _NUMBERS.values()]
    if machine == "x86_64":
        numbers += [_IOPL, _IOPERM]
        yield (_AT_LEAST, 0, 1, _X32)
        yield refuse
    for number in numbers:
        yield (_EQUAL, 0, 1, number)
        yield refuse
    # clone3's flags lie in memory, where a filter cannot look: C libraries fall back to clone when it is not there.
    yield (_EQUAL, 0, 1, _CLONE3[which])
    yield (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)
    yield (_EQUAL, 0, 3, _CLONE[which])
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield (_ANY_BIT, 0, 1, _NEW_NAMESPACES)
    yield refuse
    yield (_LOAD, 0, 0, _NUMBER)
    yield (_EQUAL, 0, 3, _PRLIMIT[which])
    yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield (_EQUAL, 1, 0, 0)  # one's own limits only
    yield refuse
    for pair in _KILL.values():
        yield (_LOAD, 0, 0, _NUMBER)
        yield (_EQUAL, 0, 1 + 2 * len(protected), pair[which])
        yield (_LOAD, 0, 0, _FIRST_ARGUMENT)
        for pid in protected:
            yield (_EQUAL, 0, 1, pid & 0xFFFF_FFFF)
            yield refuse
    yield (_RETURN, 0, 0, _ALLOW)


def restrict(protected: tuple[int, ...]) -> None:
    """Refuse the calls named above to this process and its children, and signals to the processes in `protected`.

    Needs no_new_privs.

    Raises:
        OSError: the kernel has no seccomp, or this machine's calls are not known.
    """
    if not supported():
        raise OSError(errno.ENOSYS, f"no filter for {platform.machine()}")
    code = [struct.pack("HBBI", *i) for i in _program(platform.machine(), protected)]
    buffer = ctypes.create_string_buffer(b"".join(code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(program))
