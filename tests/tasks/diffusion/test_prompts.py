"""What is asked for comes from the part and from chance; what a customer typed is words and nothing else."""

from __future__ import annotations

from tasks.diffusion import prompts
from tasks.records import Part, generator

PART = Part(
    number="A-1", name="hex bolt M8", material="brass", description="DIN 933, full thread", size_mm=(13, 13, 45)
)


def test_the_prompt_speaks_of_the_part() -> None:
    """Name, material, size in plain words and description are there; what tells most stands first."""
    made = prompts.prompt(PART, generator("a"))
    assert made.text.startswith("hex bolt M8, brass")
    assert "the size of a thumb" in made.text
    assert made.text.endswith("DIN 933, full thread")
    assert "drawing" in made.negative


def test_chance_chooses_place_light_camera_and_wear() -> None:
    """The same seed says the same; many seeds say everything that there is to say."""
    assert prompts.prompt(PART, generator("a")) == prompts.prompt(PART, generator("a"))
    made = [prompts.prompt(PART, generator(seed)) for seed in range(120)]
    for kind, choices in (
        ("place", prompts.PLACES),
        ("light", prompts.LIGHTS),
        ("camera", prompts.CAMERAS),
        ("wear", prompts.WEARS),
    ):
        drawn = {one.drawn[kind] for one in made}
        assert drawn == set(choices)
        assert all(one.drawn[kind] in one.text for one in made)


def test_words_of_a_customer_are_cut_and_mean_nothing_but_words() -> None:
    """Prompt syntax, line breaks and signs that nobody sees are gone; what is too long is cut at a word."""
    evil = PART.replace(
        name="(bolt:1.9) <lora:evil:1>\n[from:to:0.5] {a|b}\u202e\x00",
        material="steel " * 100,
        description="word " * 400,
    )
    made = prompts.prompt(evil, generator("a"), words="x" * 9000, avoid="\ncats " * 900)
    for text in (made.text, made.negative):
        assert not set(text) & set("()[]{}<>|\n\u202e\x00")
        assert text.isprintable()
        assert len(text) < 900
    assert made.text.startswith("bolt:1.9 lora:evil:1 from:to:0.5 a b")


def test_own_words_and_what_an_adapter_learned_are_added() -> None:
    """What the customer wants more stands in the prompt, what they do not want in the negative one."""
    made = prompts.prompt(PART, generator("a"), words="greasy hands nearby", avoid="cats", learned="sks")
    assert ", brass, sks, " in made.text
    assert "greasy hands nearby" in made.text
    assert made.negative.endswith("cats")


def test_a_part_of_which_nothing_is_known_has_a_prompt() -> None:
    """Without name, material and unit the number is what there is."""
    made = prompts.prompt(Part(number="4711"), generator("a"))
    assert made.text.startswith("mechanical part 4711, ")
    assert ", ," not in made.text


def test_materials_are_said_in_plain_words_too() -> None:
    """A number of a standard says nothing to a model; what it means does."""
    assert prompts.material(Part(number="1", material="1.4301")) == "1.4301 polished steel"
    assert prompts.material(Part(number="1", material="Brass")) == "Brass"
    assert prompts.material(Part(number="1", material="unobtainium")) == "unobtainium"
    assert prompts.material(Part(number="1")) == ""


def test_sizes_are_said_as_people_say_them() -> None:
    """From a grain of rice to what nobody carries; nothing where no file says a unit."""
    said = [prompts.size(Part(number="1", size_mm=(1, 2, longest))) for longest in (3, 20, 60, 200, 5000)]
    assert said == [
        "as small as a grain of rice",
        "the size of a coin",
        "the size of a thumb",
        "the size of a hand",
        "larger than a person can carry",
    ]
    assert prompts.size(Part(number="1")) == ""
