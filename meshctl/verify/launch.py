"""Starts a program that cannot outlive the process that asked for it (Linux).

Run as a script, `python launch.py PARENT_PID PROGRAM ARGUMENT...`; imports the standard library only. It
becomes the program (exec), so the process id stays the one that the parent knows. A script, and not a
`preexec_fn`: Python code between fork and exec can deadlock in a parent that has threads, and grpc has them.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Ask the kernel for SIGKILL at the parent's death, then become the program.

    The request survives exec. A parent that died before it took effect is noticed by its changed pid.
    """
    parent, program = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main()
