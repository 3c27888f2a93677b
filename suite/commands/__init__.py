"""The commands of `quanyu`, one subject per file; `suite.cli` puts them together."""
