"""What the renderer stands on: the OpenGL canvas, the surface of a mesh, the shaders."""
