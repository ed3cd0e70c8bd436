"""Reports: one JSON schema, tables and pictures made from it."""
