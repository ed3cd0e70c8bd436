"""The KV-retrieval engine's RTL."""
