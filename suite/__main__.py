"""The program `quanyu`, also as `python -m suite`: loads the command line, which takes a moment, and runs it."""

import os
import signal
import sys

from shared import language


def run() -> None:
    """The program's entry. Until there is something to end in order, Ctrl-C just ends it, without a word."""
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # nohup and the like do not want it heard
    if listening:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.argv[1:] = language.settle(sys.argv[1:], os.environ, (sys.stdout, sys.stderr))
    from suite.cli import main

    if listening:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    main()


if __name__ == "__main__":
    run()
