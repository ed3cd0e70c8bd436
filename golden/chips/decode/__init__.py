"""A decode step whose attention retrieval has narrowed: scan, fused decode on the selected tokens, reduction."""
