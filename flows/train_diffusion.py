"""Made-up parts -> a small Stable Diffusion of our own: how `partsight-sd-small` was made.

    photograph parts by path tracing, with the geometry of each pixel and words for what is seen
    -> a VAE writes pictures as latents -> UNet and ControlNet learn to paint them where the geometry says
    -> a pipeline folder that diffusers loads, sheets of what it paints

`python -m flows.train_diffusion` does it. Stopped anywhere and started again, it goes on from its last checkpoints.
More pictures or more steps than before go on from there as well; larger networks start anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.unkept import unkept
from tasks.diffusion.training.course import Course
from tasks.progress import line

if TYPE_CHECKING:
    from tasks.diffusion.training.library import Album

RELEASED: Final = Course()
LOOKED: Final = 1000  # steps between two sheets
EVENED: Final = 256  # pictures by which latents are brought to mean 0 and deviation 1


@task(task_run_name="photograph the parts", cache_policy=NO_CACHE, retries=2, **unkept)
def stock(folder: Path, course: Course, workers: int) -> tuple[Album, Album]:
    """Make the pictures to train on and those for the sheets; what is there already is kept."""
    from tasks.diffusion.training import library

    log, done = get_run_logger(), [0]

    def advance(count: int) -> None:
        done[0] += count
        if done[0] % 512 < count:
            log.info("%d of %d pictures stand in the library", done[0], course.pictures)

    unseen = library.stocked(folder / "unseen", library.unseen(course), course, workers, advance)
    done[0] = 0
    return library.stocked(folder / "library", library.planned(course), course, workers, advance), unseen


@task(task_run_name="learn to write pictures", cache_policy=NO_CACHE, **unkept)
def compress(folder: Path, course: Course, album: Album, unseen: Album) -> Path:
    """Train the VAE from its last checkpoint to the end; returns its folder."""
    import numpy as np

    from tasks.diffusion.training import sheets
    from tasks.diffusion.training.autoencoder import Autoencoder, evened, prepared

    log, out = get_run_logger(), folder / "vae"
    if (out / "config.json").is_file():
        return out
    training = Autoencoder(album, course, folder)
    learner = training.learner
    if learner.resume():
        log.info("going on from step %d", learner.step)
    truth = np.asarray(unseen.images()[0])[:8]
    while True:
        learner.run(training.losses, lambda told: log.info("%s", line(told)), until=_next(learner.step))
        vae = learner.averaged()["vae"]
        columns = [truth, sheets.again(vae, truth)]
        sheets.save(sheets.tiled(columns), folder / "sheets" / f"vae-{learner.step:06d}.png")
        if learner.step >= course.autoencoder.steps:
            break
    some = np.concatenate([np.asarray(book) for book in album.images()[: EVENED // 32 or 1]])
    evened(vae.float(), prepared(some).to(learner.device)).save_pretrained(out, safe_serialization=True)
    return out


@task(task_run_name="write latents", cache_policy=NO_CACHE, **unkept)
def encode(folder: Path, album: Album, vae: Path) -> list[Any]:
    """Write all pictures as latents; what is there already is kept."""
    from tasks.diffusion.training import latents

    log, done = get_run_logger(), [0]

    def advance(count: int) -> None:
        done[0] += count
        if done[0] % 2048 < count:
            log.info("%d more pictures are written as latents", done[0])

    return latents.encoded(album, _loaded(vae), folder / "latents" / _digest(vae), advance)


@task(task_run_name="learn to paint", cache_policy=NO_CACHE, **unkept)
def paint(folder: Path, course: Course, album: Album, unseen: Album, vae: Path, latents: list[Any]) -> Path:
    """Train UNet and ControlNet from their last checkpoint to the end; returns the pipeline's folder."""
    from tasks.diffusion.training import release, sheets
    from tasks.diffusion.training.denoiser import Denoiser
    from tasks.diffusion.training.words import text_side

    log, text = get_run_logger(), text_side(folder)
    training = Denoiser(album, latents, text, course, folder, _digest(vae))
    learner = training.learner
    if learner.resume():
        log.info("going on from step %d", learner.step)
    while True:
        learner.run(training.losses, lambda told: log.info("%s", line(told)), until=_next(learner.step))
        made = {"vae": _loaded(vae).to(learner.device), **learner.averaged()}
        sheets.save(sheets.sheet(made, text, unseen), folder / "sheets" / f"{learner.step:06d}.png")
        release.write(made, text, folder / "pipeline")
        if learner.step >= course.denoiser.steps:
            return folder / "pipeline"


def _next(step: int) -> int:
    return (step // LOOKED + 1) * LOOKED


def _loaded(vae: Path) -> Any:
    from diffusers import AutoencoderKL

    from blocks import torchvision_ops

    torchvision_ops.declare()
    return AutoencoderKL.from_pretrained(vae, local_files_only=True).eval().requires_grad_(requires_grad=False)


def _digest(vae: Path) -> str:
    from tasks.records import bytes_id

    return bytes_id((vae / "diffusion_pytorch_model.safetensors").read_bytes())[:12]


@flow(name="train-diffusion", flow_run_name="seed {course.seed}", **unkept)
def train_diffusion(
    course: Course = RELEASED,
    folder: Path = Path("build/train-diffusion"),
    out: Path = Path("blocks/weights/partsight-sd-small"),
    workers: int = 2,
) -> dict[str, Any]:
    """Train the diffusion model that ships, from nothing but pictures that the project makes.

    Args:
        course: How long and how hard to train, and how large the networks are.
        folder: Where pictures, checkpoints, logs and sheets are kept; the next run goes on from there.
        out: Where the pipeline is put in the end.
        workers: Processes that photograph parts, one a core.
    """
    from shutil import copytree

    album, unseen = stock(folder, course, workers)
    vae = compress(folder, course, album, unseen)
    latents = encode(folder, album, vae)
    pipeline = paint(folder, course, album, unseen, vae, latents)
    copytree(pipeline, out, dirs_exist_ok=True)
    return {"pipeline": str(out), "pictures": album.count}


def main() -> None:
    """Run the flow from the command line: `python -m flows.train_diffusion --help`."""
    from cyclopts import App

    app = App(name="python -m flows.train_diffusion")
    app.default(train_diffusion)
    app()


if __name__ == "__main__":
    main()
