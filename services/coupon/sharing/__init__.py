"""Share to get 分享得券: a customer shares a link, friends open it, and when enough did they get their coupon."""
