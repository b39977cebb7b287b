"""How the network of `tasks.cutout` learns, from parts that the project makes up; `flows/train_cutout.py` starts it."""
