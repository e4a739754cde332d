"""Floor 2: where engines and rooms meet. Locks are allowed, sockets are not."""
