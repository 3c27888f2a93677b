"""Messages in the shop's app 站内信."""
