"""What an upload is: probed facts, frame times, the sample."""
