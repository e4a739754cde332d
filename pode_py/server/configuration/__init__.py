"""Configuration: the file, the environment, and what they say."""
