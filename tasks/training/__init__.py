"""How the model that ships is trained: made-up parts, their buffers, pictures of them, the loop."""
