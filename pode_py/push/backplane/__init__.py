"""Several nodes: what is sent on one of them reaches the streams of all, through Redis."""
