"""Packs 礼包: several coupons at once, all or nothing, such as a welcome pack 新人礼包."""
