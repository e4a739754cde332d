"""Pode's Security area: headers that tell browsers what a page may do, and who may read it."""
