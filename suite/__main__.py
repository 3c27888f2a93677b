"""`python -m suite` is the command line `quanyu`."""

from suite.cli import main

main()
