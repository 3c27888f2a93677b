"""Cash-back 返现: promised with an order, given as a coupon once the order is completed."""
