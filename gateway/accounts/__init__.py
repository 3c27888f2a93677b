"""Operators' accounts 操作员账号: who works in the console, by what they prove it, and what their role lets them do."""
