"""Worker processes: the parent that holds the sockets, and what runs in each of the others."""
