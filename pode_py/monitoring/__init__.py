"""Floor 9: what a server shows of itself to people and other programs."""
