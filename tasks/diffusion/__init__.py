"""Stable Diffusion for parts: what is asked for, on what conditions, with which pipelines, and how it is marked."""
