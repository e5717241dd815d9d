"""Executes tasks in a pool of ffmpeg processes. Stdlib only: it lives inside the host."""
