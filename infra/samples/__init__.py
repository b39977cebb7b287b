"""The sample catalogue, and how it is made."""
