"""How the network of the check `matter` is trained: faults that are planted, pictures of them, its losses."""
