"""How the diffusion model that ships is trained: pictures with their geometry, a small VAE, a UNet with ControlNet."""
