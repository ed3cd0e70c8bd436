"""KV retrieval: V-Rex's ReSV and dynamic retrieval engine, LiveVLM's bucketing and page retrieval."""
