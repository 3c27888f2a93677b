"""How an authorised request reaches the part that serves it, and how its answer comes back."""
