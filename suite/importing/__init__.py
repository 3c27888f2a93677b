"""`quanyu import orders`: a merchant's order history from a CSV file into profiles and order events.

The way of a row: `reading` (bytes to cells) → `columns` (which cell is what) → `rules` (cells to a line, or the reason
why not) → `grouping` (lines to orders) → `orders` (an order to the body of the import call) → `loading` (to the running suite).
Everything before `loading` is pure and gives the same answer for the same file, so a file may be loaded twice, or
again after a crash in the middle, and the result is the same.
"""
