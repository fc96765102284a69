"""The exit codes of every command, so that programs can tell what happened without reading texts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the number that a command ends with means; the same for all commands."""

    DONE = 0
    """The command did what it says, or what it checked is sound."""
    NOT_SOUND = 1
    """What was checked is not sound: a story failed, the ledger has a fault, a check found something."""
    USAGE = 2
    """The command line itself is wrong."""
    CONFIGURATION = 3
    """The settings are missing, malformed or contradict each other."""
    UNAVAILABLE = 4
    """The database, Redis or another system did not answer; trying again later may help."""
    IN_THE_WAY = 5
    """Something that exists already stands in the way: a running demo, a taken port, a taken name."""
    NOT_FOUND = 6
    """The thing that the command names does not exist."""


EXIT_CODES_HELP = (
    "Exit codes: 0 done · 1 not sound (a check found something, a story failed) · "
    "2 wrong usage · 3 settings are wrong · 4 a system did not answer · "
    "5 something is in the way (running demo, taken port) · 6 not found"
)
