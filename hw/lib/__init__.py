"""The vocabulary that every engine is written in: streams, arithmetic, memories, checkers."""
