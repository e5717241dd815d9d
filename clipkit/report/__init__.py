"""Charts, notebooks and the report."""
