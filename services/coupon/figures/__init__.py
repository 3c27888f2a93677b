"""What became of an offer 活动数据: claimed, used, and what it cost."""
