"""A customer's tables held against what they should hold, and mended: `work` does it, and the others know the rules."""
