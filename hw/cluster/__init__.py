"""RTL of the cluster reduce network."""
