"""Log methods: the places log lines go to."""
