"""What every part of the suite stands on. It knows none of them."""
