"""Inventory: one stock for every channel. Rooms: locations, ledger, reservations, counts, audit."""
