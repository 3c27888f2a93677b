"""Scan to claim 扫码领券: posters, and screens in shops whose QR code changes every minute."""
