"""What the command line tells instead of a traceback."""


class Stop(Exception):
    """The command cannot go on. The message is one or two sentences for the person at the keyboard: what, and what to do."""
