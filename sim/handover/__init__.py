"""What a user takes away: an engine with its bus as a package, and a bench that runs it."""
