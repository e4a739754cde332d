"""What runs before and after handlers."""
