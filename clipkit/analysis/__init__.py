"""From records to tables and statistics. Pure."""
