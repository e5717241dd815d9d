"""The services in `experiments/backends`: which there are, built or not, and how to start one."""
