"""A decode step with retrieval: the scan selects, the decode units attend to what it has selected."""
