"""What keeps strangers out, and what browsers are told of it."""
