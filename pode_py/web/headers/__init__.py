"""Pode's Headers area."""
