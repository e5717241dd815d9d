"""One module a chart: from the table and the recommendation to points, from points to Axes."""
