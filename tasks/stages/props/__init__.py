"""What stages are made with: surfaces, scenes, noise, marks. None of them is a stage."""
