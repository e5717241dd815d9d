"""A campaign on the user's own cluster: blocks go to its machines, trials come home one by one."""
