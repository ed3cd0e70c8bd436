"""What runs and measures any engine, and knows none of them."""
