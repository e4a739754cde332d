"""Views: pages made of templates and values."""
