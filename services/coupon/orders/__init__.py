"""What the order system tells about orders: paid, cancelled, completed, refunded; and what was made of it."""
