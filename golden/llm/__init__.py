"""Language models in plain torch: files, tokens and the forward pass. Knows no engine."""
