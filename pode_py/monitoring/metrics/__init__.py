"""Pode's Metrics area: what the rooms have counted."""
