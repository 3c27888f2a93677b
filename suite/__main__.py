"""The program `quanyu`, also as `python -m suite`: loads the command line, which takes a moment, and runs it."""

import gc
import os
import signal
import sys

from shared import language
from shared.version import VERSION

_FEW_ROUNDS = (100_000, 50, 100)
"""What is imported stays: to look it through again and again for what could go takes a fifth of a start."""


def run() -> None:
    """The program's entry. Until there is something to end in order, Ctrl-C just ends it, without a word."""
    gc.set_threshold(*_FEW_ROUNDS)
    listening = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # nohup and the like do not want it heard
    if listening:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.argv[1:] = language.settle(sys.argv[1:], os.environ, (sys.stdout, sys.stderr))
    if sys.argv[1:] == ["--version"]:
        print(f"quanyu {VERSION}")  # noqa: T201 - what was asked for
        return
    if sys.stdout.isatty() and "serve" in sys.argv and not {"--help", "--second"} & set(sys.argv):
        # Before anything is loaded: a person who waits is told for what.
        print(language.say("Quanyu starts …", "全域正在启动 …"), flush=True)  # noqa: T201 - to a terminal
    from suite.cli import main

    if listening:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    main()


if __name__ == "__main__":
    run()
