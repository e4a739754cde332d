"""The front door. No logic here."""
