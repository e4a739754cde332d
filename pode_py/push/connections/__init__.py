"""Open connections of whatever kind: who they are, what is sent to them, how they end."""
