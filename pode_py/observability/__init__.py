"""Floor 3: what the server says about itself."""
