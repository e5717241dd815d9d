"""What is shown: a chart with the table of its numbers, or a piece of text."""
