"""What workers need, imported once: their processes are forks of one that has imported this and done nothing else.

Importing starts no thread that a fork would miss, and no OpenGL; each worker does that for itself.
"""

from __future__ import annotations

import contextlib

import PIL.Image
import scipy.ndimage
import trimesh

from tasks import gate, pictures
from tasks.studio.canvas import pyrender

__all__ = ["PIL", "gate", "pictures", "pyrender", "scipy", "trimesh"]

with contextlib.suppress(ImportError):  # said, with what to install, by the first picture that is drawn
    pyrender()
