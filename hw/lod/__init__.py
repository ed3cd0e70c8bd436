"""LoD subtree search core in RTL."""
