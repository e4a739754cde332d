"""The route that shows the metrics."""
