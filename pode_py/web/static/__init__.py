"""Files that are sent as they are."""
