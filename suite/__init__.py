"""How the parts of Quanyu are put together: the all-in-one process, one part alone, and the command line `quanyu`."""
