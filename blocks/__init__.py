"""What is configured once: customers, sources, catalogues, models. Imports nothing of ours."""
