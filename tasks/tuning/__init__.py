"""An embedder tuned to one customer's own parts: what it learns from, how, and where its weights are kept."""
