"""The audit log 审计日志: which administrative calls took effect, and whose they were."""
