"""Imports 历史导入: order history in bulk."""
