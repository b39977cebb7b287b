"""What a picture of a part is asked for in words: the part, where it lies, its light, the camera, its wear."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from tasks.materials import look
from tasks.records import Record

if TYPE_CHECKING:
    import numpy as np

    from tasks.records import Part

PLACES: Final = (
    "on a wooden workbench",
    "on a steel table",
    "on a concrete floor",
    "on a rubber mat",
    "on a cutting mat",
    "on a sheet of white paper",
    "on brown cardboard",
    "on a shop towel",
    "on a painted shelf",
    "in a plastic bin",
    "in front of a workshop",
)
LIGHTS: Final = (
    "soft daylight from a window",
    "fluorescent workshop light",
    "light of a desk lamp",
    "overcast daylight",
    "warm evening light",
    "a bright lamp from the side",
    "flash of a phone",
)
CAMERAS: Final = (
    "phone photo",
    "sharp photo",
    "snapshot, slightly out of focus",
    "close-up photo",
    "photo from above",
)
WEARS: Final = (
    "new",
    "clean",
    "slightly used",
    "used, with scratches",
    "dusty",
    "with oil stains",
    "worn",
)
AVOID: Final = (
    "drawing, sketch, cartoon, render, 3d model, text, watermark, logo, blurry, deformed, extra holes, extra parts, "
    "several objects, hands, people"
)
SIZES: Final = (
    (4, "as small as a grain of rice"),
    (8, "the size of a pea"),
    (14, "the size of a fingernail"),
    (28, "the size of a coin"),
    (75, "the size of a thumb"),
    (130, "the size of a palm"),
    (220, "the size of a hand"),
    (450, "as long as a forearm"),
    (1200, "as long as an arm"),
)
LARGER: Final = "larger than a person can carry"
NAME_LENGTH: Final = 60
MATERIAL_LENGTH: Final = 40
DESCRIPTION_LENGTH: Final = 120
WORDS_LENGTH: Final = 200
_MEANINGLESS: Final = str.maketrans(dict.fromkeys('()[]{}<>|\\^~`*_"', " "))  # prompt syntax of other programs


class Prompt(Record):
    """What is asked for, what is not wanted, and what chance chose for it."""

    text: str
    negative: str
    place: str
    light: str
    camera: str
    wear: str

    @property
    def drawn(self) -> dict[str, str]:
        """What chance chose, by its kind."""
        return {"place": self.place, "light": self.light, "camera": self.camera, "wear": self.wear}


def prompt(part: Part, rng: np.random.Generator, words: str = "", avoid: str = "", learned: str = "") -> Prompt:
    """The prompt of one picture of `part`: place, light, camera and wear are drawn from `rng`.

    `words` and `avoid` are a customer's additions to what is asked for and to what is not wanted, `learned` the words
    that call up what an adapter has learned. What tells most stands first, since a text side reads no more than 77
    pieces of words. Everything that a customer wrote is cut to a length and to characters that can be read, and no
    sign in it has a meaning.
    """
    place, light, camera, wear = (
        choices[int(rng.integers(len(choices)))] for choices in (PLACES, LIGHTS, CAMERAS, WEARS)
    )
    said = (kind(part), material(part), learned, place, wear, plain(words, WORDS_LENGTH), light, camera, size(part))
    text = ", ".join(filter(None, (*said, plain(part.description, DESCRIPTION_LENGTH))))
    negative = ", ".join(filter(None, (AVOID, plain(avoid, WORDS_LENGTH))))
    return Prompt(text=text, negative=negative, place=place, light=light, camera=camera, wear=wear)


def kind(part: Part) -> str:
    """What the part is: its name, its number where it has none."""
    return plain(part.name, NAME_LENGTH) or plain(f"mechanical part {part.number}", NAME_LENGTH)


def material(part: Part) -> str:
    """What it is made of: in the customer's words, and in the plain ones that these mean."""
    said, meant = plain(part.material, MATERIAL_LENGTH), look(part).name
    if not said or meant in {"grey", "coloured"}:
        return said
    return said if meant in said.lower() else f"{said} {meant}"


def size(part: Part) -> str:
    """Its largest side in plain words; nothing where no file says a unit."""
    if part.size_mm is None:
        return ""
    longest = max(part.size_mm)
    return next((words for limit, words in SIZES if longest < limit), LARGER)


def plain(text: str, length: int) -> str:
    """`text` on one line, in characters that can be read, without signs of any prompt syntax, cut at a word."""
    readable = "".join(letter if unicodedata.category(letter)[0] not in "CZ" else " " for letter in text)
    words = readable.translate(_MEANINGLESS).split()
    while words and len(" ".join(words)) > length:
        last = words.pop()
        if not words:
            return last[:length]
    return " ".join(words).strip(" ,;:.")
