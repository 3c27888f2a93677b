"""The names of the parts."""

SERVICES = ("coupon", "segments", "journey", "inventory")
PARTS = (*SERVICES, "gateway")
