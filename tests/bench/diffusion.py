"""How fast pictures are diffused: `make bench-diffusion`.

    ours        pictures a second of the stage `diffuse`, prompts, conditions and putting back included
    compiled    the same with the setting `compiled` (on a GPU)
    one by one  the loop of diffusers' documentation: one picture at a time, in half precision
    batched     the same with 8 pictures at a time, as a competent user writes it

Stable Diffusion 1.5 (20 steps, guided) and SDXL-Turbo (2 steps) in their full size with random weights, in mode text,
and in mode relight with a depth ControlNet. Each runs in a process of its own, so that peaks of memory are its own.
On a processor a second is one of one core, so that a busy machine does not count. The share is what of the device's own
matrix products the multiplications of a picture come to. Prints a table and writes build/diffusion.json. On a processor
the models are small; --full takes the true ones there too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from tasks.records import Camera, Part, View, generator

sys.path.insert(0, str(Path(__file__).parent))
import architectures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
MODES: Final = ("text", "relight")
SUBJECTS: Final = ("one by one", "batched", "ours", "compiled")
STEPS: Final = {"sd15": 20, "sdxl-turbo": 2}
STRENGTH: Final = {"text": None, "relight": 0.5}
GUIDANCE: Final = {"sd15": 7.5, "sdxl-turbo": 0.0}
BATCH: Final = 8
GOAL: Final = 1.5


def main() -> int:
    """Measure, print, save; returns 0 also when a goal is missed, for a benchmark is no test."""
    arguments = _arguments()
    if arguments.subject:
        sys.stdout.write(json.dumps(measured(arguments)))
        return 0
    import torch

    gpu = torch.cuda.is_available()
    small = arguments.small or not (gpu or arguments.full)
    figures: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "small": small,
        "cells": {},
    }
    with tempfile.TemporaryDirectory(prefix="partsight-bench-") as folder:
        for name in arguments.models:
            _progress(f"writing {name}")
            path = architectures.write(name, Path(folder) / name, small=small)
            for mode in MODES:
                subjects = [subject for subject in SUBJECTS if gpu or subject != "compiled"]
                cell = {subject: _run(path, name, mode, subject, arguments.count) for subject in subjects}
                figures["cells"][f"{name} {mode}"] = {**cell, "goals": goals(cell)}
    console = Console(width=120)
    console.print(table(figures))
    target = ROOT / "build" / "diffusion.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1))
    console.print(f"written to {target.relative_to(ROOT)}")
    return 0


def _run(folder: Path, name: str, mode: str, subject: str, count: int) -> dict[str, Any]:
    _progress(f"{name}, {mode}: {subject}")
    asked = {"--subject": subject, "--folder": str(folder), "--model": name, "--mode": mode, "--count": str(count)}
    command = [sys.executable, __file__, *(word for pair in asked.items() for word in pair)]
    run = subprocess.run(command, env={**os.environ, "TQDM_DISABLE": "1"}, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(run.stdout))


def goals(cell: dict[str, Any]) -> dict[str, Any]:
    """What the issue asks for, with its figures: the goal of speed is one for GPUs."""
    rates = {subject: figures["pictures_per_second"] for subject, figures in cell.items()}
    best = max((subject for subject in ("ours", "compiled") if subject in rates), key=lambda subject: rates[subject])
    memory = cell["ours"]["peak_mb"] / cell["batched"]["peak_mb"]
    return {
        "over one by one": {"value": round(rates[best] / rates["one by one"], 3), "goal": GOAL, "by": best},
        "over batched": {"value": round(rates[best] / rates["batched"], 3), "goal": None, "by": best},
        "peak memory over batched": {"value": round(memory, 3), "goal": 1.0, "by": "ours"},
    }


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """One subject on one model in one mode, in this process."""
    import torch

    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu else time.process_time
    if not gpu:
        torch.set_num_threads(1)
    views = [_view(number, 256) for number in range(arguments.count)]
    began = clock()
    make = _ours(arguments) if arguments.subject in {"ours", "compiled"} else _plain(arguments)
    make(views[:1])
    loaded = clock() - began
    if gpu:
        make(views[:BATCH])  # kernels are chosen, memory is taken, and what is compiled is compiled
        torch.cuda.reset_peak_memory_stats()
    began = clock()
    make(views)
    seconds = clock() - began
    peak = torch.cuda.max_memory_allocated() if gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rate = len(views) / seconds
    flops, product = _flops(lambda: make(views[:1])), _product()
    return {
        "pictures_per_second": round(rate, 4),
        "loaded_seconds": round(loaded, 1),
        "peak_mb": round(peak / 2**20),
        "tflop_per_picture": round(flops / 1e12, 4),
        "matmul_tflop_per_second": round(product / 1e12, 3),
        "share": round(rate * flops / product, 4),
    }


def _ours(arguments: argparse.Namespace) -> Callable[[Sequence[View]], object]:
    """The stage as a customer's file sets it."""
    from tasks.stages.diffuse import Diffuse

    stage = Diffuse(
        mode=arguments.mode,
        model=arguments.folder,
        condition="depth",
        steps=STEPS[arguments.model],
        guidance=GUIDANCE[arguments.model],
        strength=STRENGTH[arguments.mode],
        compiled=arguments.subject == "compiled",
    )
    return lambda views: stage.many([view.replace(rng=generator(place)) for place, view in enumerate(views)])


def _plain(arguments: argparse.Namespace) -> Callable[[Sequence[View]], object]:
    """The loop of diffusers' documentation."""
    from blocks import torchvision_ops
    from tasks import arithmetic

    torchvision_ops.declare()
    import diffusers
    import torch
    from PIL import Image

    gpu = torch.cuda.is_available()
    xl = "XL" if arguments.model.startswith("sdxl") else ""
    half = torch.float16 if gpu else torch.bfloat16 if arithmetic.bfloat16("cpu") else torch.float32
    more = {}
    if arguments.mode == "relight":
        more["controlnet"] = diffusers.ControlNetModel.from_pretrained(f"{arguments.folder}/controlnet", dtype=half)
    kind = f"StableDiffusion{xl}{'ControlNetImg2Img' if more else ''}Pipeline"
    pipe = getattr(diffusers, kind).from_pretrained(arguments.folder, dtype=half, **more)
    pipe = pipe.to("cuda" if gpu else "cpu")
    pipe.set_progress_bar_config(disable=True)
    side = pipe.unet.config.sample_size * pipe.vae_scale_factor
    size = 1 if arguments.subject == "one by one" else BATCH

    def make(views: Sequence[View]) -> object:
        for start in range(0, len(views), size):
            some = views[start : start + size]
            given: dict[str, Any] = {"prompt": [f"a photo of a {view.part.name} on a bench" for view in some]}
            if GUIDANCE[arguments.model]:
                given["negative_prompt"] = ["drawing, render, text"] * len(some)
            if arguments.mode == "relight":
                pictures = [Image.fromarray(view.image).resize((side, side)) for view in some]
                given |= {"image": pictures, "control_image": pictures, "strength": STRENGTH["relight"]}
            given |= {"num_inference_steps": STEPS[arguments.model], "guidance_scale": GUIDANCE[arguments.model]}
            pipe(**given, generator=[torch.Generator("cpu").manual_seed(start + n) for n in range(len(some))])
        return None

    return make


def _view(number: int, side: int) -> View:
    """A ball, the picture of which is not the point."""
    y, x = (np.mgrid[:side, :side] - side / 2) / (side / 3)
    mask = x**2 + y**2 < 1
    height = np.sqrt(np.maximum(1 - x**2 - y**2, 0))
    normals = np.stack([x, -y, height], axis=-1) * mask[..., None]
    return View(
        part=Part(number=f"ball-{number}", name=f"steel ball {number}", material="steel", size_mm=(9, 9, 9)),
        camera=Camera(pose=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 90), (0, 0, 0, 1)), yfov=0.5, size=side),
        image=np.repeat((255 * height)[..., None], 3, axis=-1).astype(np.uint8),
        alpha=mask.astype(np.float32),
        mask=mask,
        depth=((90 - 10 * height) * mask).astype(np.float32),
        normals=normals.astype(np.float32),
        rng=generator("ball", number),
    )


def _flops(call: Callable[[], object]) -> float:
    """Operations of the multiplications in a call."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


def _product() -> float:
    """Operations a second of a large square matrix product in the arithmetic that the device does best."""
    import torch

    gpu = torch.cuda.is_available()
    from tasks import arithmetic

    kind = torch.float16 if gpu else torch.bfloat16 if arithmetic.bfloat16("cpu") else torch.float32
    side = 8192 if gpu else 2048
    left, right = (torch.randn(side, side).to("cuda" if gpu else "cpu", kind) for _ in range(2))
    clock = time.perf_counter if gpu else time.process_time
    best = float("inf")
    for _ in range(5):
        began = clock()
        left @ right
        if gpu:
            torch.cuda.synchronize()
        best = min(best, clock() - began)
    return 2 * side**3 / best


def table(figures: dict[str, Any]) -> Table:
    """All cells, a row for each subject."""
    size = "small models" if figures["small"] else "full size"
    made = Table(title=f"diffusion on {figures['device']}, {size}, random weights")
    for column in ("", "", "pictures/s", "over one by one", "peak MB", "TFLOP/picture", "share of matmul"):
        made.add_column(column, justify="left" if not column else "right")
    for cell, subjects in figures["cells"].items():
        for subject, one in subjects.items():
            if subject == "goals":
                continue
            ratio = one["pictures_per_second"] / subjects["one by one"]["pictures_per_second"]
            made.add_row(
                cell if subject == SUBJECTS[0] else "",
                subject,
                f"{one['pictures_per_second']:.3g}",
                f"{ratio:.2f}",
                f"{one['peak_mb']}",
                f"{one['tflop_per_picture']:.3g}",
                f"{100 * one['share']:.0f} %",
            )
    return made


def _progress(what: str) -> None:
    sys.stderr.write(f"bench: {what}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=32, help="pictures that are timed")
    parser.add_argument("--models", nargs="+", choices=architectures.NAMES, default=architectures.NAMES)
    parser.add_argument("--small", action="store_true", help="small models, on a GPU too")
    parser.add_argument("--full", action="store_true", help="models of full size, on a processor too")
    for hidden in ("--subject", "--folder", "--model", "--mode"):
        parser.add_argument(hidden, default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
