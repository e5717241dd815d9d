"""The search for the best settings, the recommendation, and its export."""
