"""The few calls of the C library that Python does not offer."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38

_M_ARENA_MAX = -8

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int, argument: object = 0) -> None:
    """prctl(2); nothing where there is no Linux.

    Raises:
        OSError: the kernel refused.
    """
    if sys.platform != "linux":
        return
    if _libc.prctl(option, value, argument, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def syscall(number: int, *arguments: object) -> int:
    """syscall(2).

    Raises:
        OSError: the kernel refused.
    """
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))
    return result


def few_arenas() -> None:
    """Let threads share malloc's arenas; nothing where the C library has no such setting.

    Each reserves 64 MiB, and there are up to eight a core: on 16 cores the threads of programs that wait for each other
    took more addresses than a worker may have.
    """
    if sys.platform == "linux" and hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, 2)


def drop_capabilities() -> None:
    """Give up root's privileges but not its files; without effect for anybody else. They stay given up with
    no_new_privs.

    Raises:
        OSError: the kernel refused.
    """
    if sys.platform != "linux":
        return
    version_3 = (ctypes.c_uint32 * 2)(0x2008_0522, 0)
    none = (ctypes.c_uint32 * 6)()
    if _libc.capset(version_3, none) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
