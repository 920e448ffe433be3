"""Who types a command, for the log of the server that takes it.

Imports the standard library only.
"""

import getpass


def user() -> str:
    """The user's name on this machine."""
    try:
        return getpass.getuser().encode(errors="surrogateescape").decode(errors="replace")
    except (KeyError, OSError):  # a user without a name, as in containers
        return "unknown"
