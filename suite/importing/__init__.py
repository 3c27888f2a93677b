"""`quanyu import orders`: a merchant's order history from a CSV file into profiles and order events.

The way of a row: `files` (bytes to cells) → `columns` and `exports` (which cell is what) → `rules` (cells to a line, or one of
the `reasons` why not) → `orders` (lines to orders, and these to the body of the import call) → `loader` (to the running suite)
and `report`. Everything before `loader` is pure and gives the same answer for the same file, so a file may be loaded twice,
or again after a crash in the middle, and the result is the same.
"""
