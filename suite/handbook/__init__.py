"""What pages in `docs/` show of the code, made by `make docs`: no part of any running service."""
