"""Floor 10: the rooms of one server, their order, and the life of the process."""
