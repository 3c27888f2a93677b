"""The new tables of revision 0002, by room: they are too many for one file."""
