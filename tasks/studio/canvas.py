"""What is drawn on: pyrender's context, meshes and camera, and buffers of our own below them.

pyrender makes the OpenGL context, uploads the mesh and keeps the scene; its own passes are not used,
because one pass that writes normals and depth, shaded afterwards, costs a fraction of them.
"""

from __future__ import annotations

import importlib
import os
import threading
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Bytes, Floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.studio.surface import Surface

MISSING = (
    "OpenGL cannot start here ({reason}). On Debian and Ubuntu install it with "
    "`apt install libegl1 libgl1 libgl1-mesa-dri`; no screen and no graphics card are needed."
)
NOTHING = np.zeros(4, np.uint32)
AROUND = (144, 64)  # pixels of the maps of the studio around the part
SHADERS = Path(__file__).with_name("shaders")


def pyrender() -> Any:
    """The pyrender module, made to work with numpy 2 and without a screen; ImportError says what to install."""
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    os.environ.setdefault("PYGLET_HEADLESS", "1")
    # pyrender 0.1.45 is written for numpy 1
    vars(np).setdefault("infty", np.inf)
    try:
        return importlib.import_module("pyrender")
    except (ImportError, AttributeError, OSError) as error:
        raise ImportError(MISSING.format(reason=error)) from error


@cache
def canvas() -> Canvas:
    """The canvas of this process: pyrender allows one, so it is made once and kept."""
    return Canvas()


class Canvas:
    """An OpenGL context with its programs and buffers; one per process, usable from any of its threads."""

    def __init__(self) -> None:
        self.pyrender = pyrender()
        try:
            self._offscreen = self.pyrender.OffscreenRenderer(64, 64)
        except Exception as error:  # EGL's failures come as assertions, attributes and errors of PyOpenGL
            raise RuntimeError(MISSING.format(reason=error or type(error).__name__)) from error
        self.gl: Any = importlib.import_module("OpenGL.GL")
        self._egl: Any = importlib.import_module("OpenGL.EGL")
        self._cache = self.pyrender.shader_program.ShaderProgramCache(shader_dir=str(SHADERS))
        self._programs: dict[str, Program] = {}
        self._buffers: dict[int, Buffers] = {}
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._empty = self.gl.glGenVertexArrays(1)
        self._release()

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """The context belongs to this thread within the `with` block."""
        if os.getpid() != self._process:
            raise RuntimeError("OpenGL does not survive a fork: start worker processes with the spawn method")
        with self._lock:
            self._offscreen._platform.make_current()  # noqa: SLF001
            try:
                yield
            finally:
                self._release()

    def _release(self) -> None:
        platform = self._offscreen._platform  # noqa: SLF001
        none = self._egl
        none.eglMakeCurrent(platform._egl_display, none.EGL_NO_SURFACE, none.EGL_NO_SURFACE, none.EGL_NO_CONTEXT)  # noqa: SLF001

    def info(self) -> dict[str, str]:
        """Who draws: `vendor`, `renderer` and `version` of OpenGL."""
        gl = self.gl
        names = {"vendor": gl.GL_VENDOR, "renderer": gl.GL_RENDERER, "version": gl.GL_VERSION}
        with self.drawing():
            return {name: gl.glGetString(key).decode() for name, key in names.items()}

    def program(self, vertex: str, fragment: str) -> Program:
        """The compiled program of two files in the folder of shaders."""
        if fragment not in self._programs:
            made = self._cache.get_program(vertex, fragment)
            made._add_to_context()  # noqa: SLF001
            self._programs[fragment] = Program(self.gl, made._program_id)  # noqa: SLF001
        return self._programs[fragment]

    def buffers(self, size: int) -> Buffers:
        """What pictures of `size` pixels are drawn into."""
        if size not in self._buffers:
            self._buffers[size] = Buffers(self.gl, size)
        return self._buffers[size]

    def scene(self, surface: Surface) -> Any:
        """A pyrender scene of the surface."""
        primitive = self.pyrender.Primitive(
            positions=surface.positions, normals=surface.normals, indices=surface.triangles, mode=self.gl.GL_TRIANGLES
        )
        scene = self.pyrender.Scene()
        scene.add(self.pyrender.Mesh([primitive]))
        return scene

    def surface(self, scene: Any, closed: bool, buffers: Buffers, size: int, view: Floats, projection: Floats) -> None:
        """Draw normals and distances of the scene, seen from both sides, into size x size pixels of `buffers`."""
        gl = self.gl
        # uploads what is new to the context and frees what is not in this scene
        self._offscreen._renderer._update_context(scene, 0)  # noqa: SLF001
        program = self.program("geometry.vert", "geometry.frag")
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, buffers.surface_frame)
        gl.glViewport(0, 0, size, size)
        gl.glEnable(gl.GL_DEPTH_TEST)
        (gl.glEnable if closed else gl.glDisable)(gl.GL_CULL_FACE)  # of a closed surface no back is ever seen
        gl.glCullFace(gl.GL_BACK)
        gl.glDisable(gl.GL_BLEND)
        gl.glClearBufferuiv(gl.GL_COLOR, 0, NOTHING)
        gl.glClear(gl.GL_DEPTH_BUFFER_BIT)
        program.use({"view": view, "projection": projection})
        for node in scene.mesh_nodes:
            for primitive in node.mesh.primitives:
                primitive._bind()  # noqa: SLF001
                gl.glDrawElements(gl.GL_TRIANGLES, primitive.indices.size, gl.GL_UNSIGNED_INT, None)
                primitive._unbind()  # noqa: SLF001

    def fill(
        self,
        program: Program,
        target: int,
        size: tuple[int, int],
        textures: Mapping[str, int],
        values: Mapping[str, Any],
    ) -> None:
        """Run `program` for each of size x size pixels of the frame buffer `target`."""
        gl = self.gl
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, target)
        gl.glViewport(0, 0, *size)
        gl.glDisable(gl.GL_DEPTH_TEST)
        gl.glDisable(gl.GL_BLEND)
        program.use(values)
        for unit, (name, texture) in enumerate(textures.items()):
            gl.glActiveTexture(gl.GL_TEXTURE0 + unit)
            gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
            program.set(name, unit)
        gl.glBindVertexArray(self._empty)
        gl.glDrawArrays(gl.GL_TRIANGLES, 0, 3)
        gl.glBindVertexArray(0)


class Program:
    """A compiled OpenGL program, and its uniforms by name."""

    def __init__(self, gl: Any, number: int) -> None:
        self.gl = gl
        self.number = number
        self._places: dict[str, int] = {}

    def use(self, values: Mapping[str, Any]) -> None:
        """Make this the program that draws, with these values of its uniforms."""
        self.gl.glUseProgram(self.number)
        for name, value in values.items():
            self.set(name, value)

    def set(self, name: str, value: Any) -> None:
        """Set one uniform: an int, a float, a vector (n,), a list of four-vectors (k, 4, "[]") or a matrix."""
        gl = self.gl
        if name not in self._places:
            self._places[name] = gl.glGetUniformLocation(self.number, name)
        place = self._places[name]
        if place < 0:  # this program has no use for it
            return
        if isinstance(value, int):
            gl.glUniform1i(place, value)
            return
        data = np.ascontiguousarray(value, dtype=np.float32)
        if name.endswith("[0]"):
            gl.glUniform4fv(place, len(data), data)
        elif data.ndim == 2:
            {3: gl.glUniformMatrix3fv, 4: gl.glUniformMatrix4fv}[len(data)](place, 1, gl.GL_TRUE, data)
        else:
            {1: gl.glUniform1fv, 2: gl.glUniform2fv, 3: gl.glUniform3fv, 4: gl.glUniform4fv}[data.size](place, 1, data)


class Buffers:
    """Frame buffers for one size of picture: the surface at twice the size, light and picture at the size."""

    def __init__(self, gl: Any, size: int) -> None:
        self.gl = gl
        self.size = size
        self.surface = self._texture(2 * size, gl.GL_RG32UI)
        self.light = self._texture(size // 2, gl.GL_RG32F)
        self.picture = self._texture(size, gl.GL_RGBA8)
        self.shape = self._texture(size, gl.GL_RGBA32F)
        depth = gl.glGenRenderbuffers(1)
        gl.glBindRenderbuffer(gl.GL_RENDERBUFFER, depth)
        gl.glRenderbufferStorage(gl.GL_RENDERBUFFER, gl.GL_DEPTH_COMPONENT32F, 2 * size, 2 * size)
        self.surface_frame = self._frame(self.surface)
        gl.glFramebufferRenderbuffer(gl.GL_FRAMEBUFFER, gl.GL_DEPTH_ATTACHMENT, gl.GL_RENDERBUFFER, depth)
        self.light_frame = self._frame(self.light)
        self.picture_frame = self._frame(self.picture, self.shape)
        self.around = self._texture(AROUND[0], gl.GL_RGBA32F, AROUND[1])
        for key in (gl.GL_TEXTURE_MIN_FILTER, gl.GL_TEXTURE_MAG_FILTER):
            gl.glTexParameteri(gl.GL_TEXTURE_2D, key, gl.GL_LINEAR)
        self.around_frame = self._frame(self.around)
        self.ground = gl.glGenTextures(1)

    def _texture(self, size: int, kind: int, height: int = 0) -> int:
        gl = self.gl
        texture = int(gl.glGenTextures(1))
        gl.glBindTexture(gl.GL_TEXTURE_2D, texture)
        form = (gl.GL_RG_INTEGER, gl.GL_UNSIGNED_INT) if kind == gl.GL_RG32UI else (gl.GL_RGBA, gl.GL_FLOAT)
        gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, kind, size, height or size, 0, *form, None)
        for key in (gl.GL_TEXTURE_MIN_FILTER, gl.GL_TEXTURE_MAG_FILTER):
            gl.glTexParameteri(gl.GL_TEXTURE_2D, key, gl.GL_NEAREST)
        return texture

    def _frame(self, *textures: int) -> int:
        gl = self.gl
        frame = int(gl.glGenFramebuffers(1))
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, frame)
        points = [gl.GL_COLOR_ATTACHMENT0 + i for i in range(len(textures))]
        for point, texture in zip(points, textures, strict=True):
            gl.glFramebufferTexture2D(gl.GL_FRAMEBUFFER, point, gl.GL_TEXTURE_2D, texture, 0)
        gl.glDrawBuffers(len(points), points)
        return frame

    def upload_ground(self, heights: Bytes) -> None:
        """Set the map of what lies above the ground, (h, w, 4) uint8, smooth and empty at its border."""
        gl = self.gl
        gl.glBindTexture(gl.GL_TEXTURE_2D, self.ground)
        gl.glTexImage2D(
            gl.GL_TEXTURE_2D,
            0,
            gl.GL_RGBA8,
            heights.shape[1],
            heights.shape[0],
            0,
            gl.GL_RGBA,
            gl.GL_UNSIGNED_BYTE,
            np.ascontiguousarray(heights),
        )
        for key, value in (
            (gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_MAG_FILTER, gl.GL_LINEAR),
            (gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE),
            (gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE),
        ):
            gl.glTexParameteri(gl.GL_TEXTURE_2D, key, value)

    def read(self) -> tuple[Bytes, Floats]:
        """Picture (h, w, 4) uint8 and shape (h, w, 4) float32, top row first."""
        gl, size = self.gl, self.size
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self.picture_frame)
        picture = np.zeros((size, size, 4), np.uint8)
        shape = np.zeros((size, size, 4), np.float32)
        gl.glReadBuffer(gl.GL_COLOR_ATTACHMENT0)
        gl.glReadPixels(0, 0, size, size, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, picture)
        gl.glReadBuffer(gl.GL_COLOR_ATTACHMENT1)
        gl.glReadPixels(0, 0, size, size, gl.GL_RGBA, gl.GL_FLOAT, shape)
        return picture, shape

    def read_surface(self, size: int) -> NDArray[np.uint32]:
        """The lower left size x size pixels of the surface, (h, w, 2): folded normal, and the distance's bits.

        The bottom row comes first; the distance is 0 where there is nothing.
        """
        gl = self.gl
        gl.glBindFramebuffer(gl.GL_FRAMEBUFFER, self.surface_frame)
        both = np.zeros((size, size, 2), np.uint32)
        gl.glReadPixels(0, 0, size, size, gl.GL_RG_INTEGER, gl.GL_UNSIGNED_INT, both)
        return both

    def read_depth(self, size: int) -> Floats:
        """Distances in the lower left size x size pixels of the surface, (h, w) float32, bottom row first."""
        return np.ascontiguousarray(self.read_surface(size)[..., 1]).view(np.float32)
