"""The same workloads on processors at hand, timed, and what publications report."""
