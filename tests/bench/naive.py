"""The script that a competent user would write with the same libraries, to be measured against.

One process, a renderer for each part, one picture for each call of the model, one row for each insert. It
makes as many pictures of the same kinds and sizes: colour, depth, mask, normals; a variant of each; a vector
of each. Run as `python naive.py FOLDER DATABASE`.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from blocks import models
from blocks.customer import Recipe
from tasks.augment import chain, flatten
from tasks.embed import network
from tasks.records import Part, View, generator
from tasks.rig import cameras


def main(folder: Path, database: str) -> int:
    """Fill a database from the CAD files in `folder`; returns how many pictures it has."""
    import lancedb
    import torch

    recipe = Recipe()
    model = network(models.find(recipe.embed.model, recipe.embed.weights))
    from open_clip.transform import PreprocessCfg, image_transform_v2  # importable from here on

    preprocess = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    db = lancedb.connect(database)
    images = vectors = None
    count = 0
    for path in sorted(folder.iterdir()):
        for kind, picture, row in pictures(path, recipe):
            with torch.inference_mode():
                vector = model.encode_image(preprocess(Image.fromarray(picture))[None], normalize=True)[0].numpy()
            name = f"{path.stem}-{count}"
            data = [{"id": name, "part": path.stem, "kind": kind, **row}]
            found = [{"id": name, "part": path.stem, "vector": vector}]
            if images is None:
                images, vectors = db.create_table("images", data), db.create_table("vectors", found)
            else:
                images.add(data)
                vectors.add(found)
            count += 1
    return count


def pictures(path: Path, recipe: Recipe) -> Iterator[tuple[str, np.ndarray, dict[str, bytes]]]:
    """Views and variants of the part in a file, with their files' bytes."""
    steps = chain(recipe.stages, recipe.settings)
    for place, view in enumerate(views(path, recipe)):
        row = {
            "image": png(np.dstack([view.image, (view.alpha * 255).astype(np.uint8)])),
            "depth": png((view.depth / max(view.depth.max(), 1e-6) * 65535).astype(np.uint16)),
            "mask": png(view.mask),
            "normals": png((view.normals * 127 + 128).astype(np.uint8)),
        }
        yield "view", flatten(view).image, row
        for variant in steps.variants(view, f"{path.stem}-{place}", recipe.variants):
            empty = dict.fromkeys(("depth", "normals"), b"")
            yield "variant", variant.image, {"image": jpeg(variant.image), "mask": png(variant.mask), **empty}


def views(path: Path, recipe: Recipe) -> Iterator[View]:
    """A part from all sides, with pyrender as its documentation shows it."""
    os.environ |= {"PYOPENGL_PLATFORM": "egl", "PYGLET_HEADLESS": "1"}
    np.infty = np.inf  # noqa: NPY201 - pyrender 0.1.45 was written for numpy 1
    import pyrender
    import trimesh

    mesh = trimesh.load(path, force="mesh")
    size = recipe.render.size
    renderer = pyrender.OffscreenRenderer(size, size)
    material = pyrender.MetallicRoughnessMaterial(baseColorFactor=(0.6, 0.6, 0.6, 1), roughnessFactor=0.5)
    plain = pyrender.Mesh.from_trimesh(mesh, material=material, smooth=False)
    coloured = mesh.copy()
    coloured.visual = trimesh.visual.ColorVisuals(
        coloured, face_colors=(mesh.face_normals * 127 + 128).astype(np.uint8)
    )
    for camera in cameras(np.array(mesh.vertices), recipe.render, path.stem):
        far = float(np.linalg.norm(camera.matrix[:3, 3])) * 4
        lens = pyrender.PerspectiveCamera(camera.yfov, znear=far / 1000, zfar=far)
        scene = pyrender.Scene(bg_color=(1.0, 1.0, 1.0, 0.0), ambient_light=(0.3, 0.3, 0.3))
        scene.add(plain)
        scene.add(lens, pose=camera.matrix)
        scene.add(pyrender.DirectionalLight(intensity=4), pose=camera.matrix)
        colour, depth = renderer.render(scene, flags=pyrender.RenderFlags.RGBA)
        bare = pyrender.Scene(bg_color=(0.5, 0.5, 0.5, 0.0))
        bare.add(pyrender.Mesh.from_trimesh(coloured, smooth=False))
        bare.add(lens, pose=camera.matrix)
        normals, _ = renderer.render(bare, flags=pyrender.RenderFlags.FLAT)
        world = (normals.astype(np.float32) - 128) / 127
        yield View(
            part=Part(number=path.stem),
            camera=camera,
            image=colour[..., :3].copy(),
            alpha=colour[..., 3].astype(np.float32) / 255,
            mask=depth > 0,
            depth=depth.astype(np.float32),
            normals=(world @ camera.matrix[:3, :3]).astype(np.float32) * (depth > 0)[..., None],
            rng=generator(path.stem),
        )
    renderer.delete()


def png(pixels: np.ndarray) -> bytes:
    """PNG as Pillow writes it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(pixels: np.ndarray) -> bytes:
    """JPEG of the same quality."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


if __name__ == "__main__":
    sys.stdout.write(f"{main(Path(sys.argv[1]), sys.argv[2])}\n")
