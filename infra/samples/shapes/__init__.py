"""The shapes of the sample parts, one family per file."""
