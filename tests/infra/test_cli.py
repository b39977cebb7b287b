"""The command line keeps its contract: names, JSON, exit codes, and one sentence when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from blocks.customer import Customer
from infra.cli.output import answer, plain
from infra.cli.who import customer, remember
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("onboard", "search", "evaluate", "adapt", "parts", "images", "stages", "doctor")
HEAVY = ("torch", "prefect", "lancedb", "pyrender", "open_clip", "numpy", "trimesh", "pyarrow", "diffusers", "PIL")


def test_help_imports_nothing_heavy() -> None:
    """`partsight --help` and every command's help start at once: no model, server or database is loaded."""
    script = (
        "import sys, infra.cli\n"
        f"codes = [infra.cli.run([*c, '--help']) for c in ([], *([c] for c in {COMMANDS!r}))]\n"
        f"sys.exit(repr([m for m in {HEAVY!r} if m in sys.modules] + [c for c in codes if c]))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example_and_a_json_option(partsight: Any, command: str) -> None:
    """Help shows how the command is called, and every option has its sentence."""
    code, out, _ = partsight(command, "--help")
    assert code == 0
    assert f"partsight {command}" in out.split("For example")[1]
    options = [line.strip("│ ").split() for line in out.splitlines() if line.startswith(("│ --", "│ *  --", "│    --"))]
    assert ["--json", "Print", "JSON", "alone", "on", "stdout."] in options
    assert all(len(option) > 3 for option in options)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["serch"], 'Did you mean "search"'),
        (["search"], "requires an argument"),
        (["search", "acme", "--imge", "x"], "Did you mean --image"),
        (["search", "acme"], "Say what to look for"),
        (["search", "acme", "--text", "  "], "Say what to look for"),
        (["search", "acme", "--text", "x", "--top", "0"], "--top"),
        (["search", "acme", "--image", "gone.jpg"], "There is no file gone.jpg"),
        (["search", "acme", "--image", "{tmp}"], "--each"),
        (["search", "acme", "--image", "{tmp}", "--each"], "There is no image in the folder"),
        (["search", "acme", "--text", "x", "--each"], "--each wants"),
        (["search", "nobody", "--text", "x"], "There is no customer 'nobody' (known: acme"),
        (["parts", "../acme"], "There is no customer file"),
        (["parts", "Acme!"], "'Acme!' is no customer"),
        (["parts", "gone.yaml"], "There is no customer file gone.yaml"),
        (["parts", "{tmp}/bad.yaml"], "slug"),
        (["parts", "{tmp}/new.yaml"], "There is no catalogue of 'new' yet; make one with: partsight onboard new"),
        (["search", "{tmp}/new.yaml", "--text", "x"], "partsight onboard new"),
        (["images", "acme", "--out", "{tmp}/new.yaml"], "is a file"),
        (
            ["images", "acme", "--out", "{tmp}/out", "--part", "B-11"],
            "There is no part 'B-11' in the catalogue; is it B-1",
        ),
        (["onboard", "fresh"], "Start a new one"),
        (["onboard", "acme"], "has no source"),
        (["onboard", "fresh", "--source", "gone/"], "There is no folder or file"),
        (["onboard", "fresh", "--source", "{tmp}", "--limit", "0"], "--limit"),
        (["onboard", "../fresh", "--source", "{tmp}"], "There is no customer file"),
    ],
)
def test_a_wrong_call_is_a_sentence_and_exit_code_2(
    partsight: Any, tmp_path: Path, tokens: list[str], said: str
) -> None:
    """Nothing on stdout, one sentence on stderr that says what to do, no traceback, no state made."""
    (tmp_path / "bad.yaml").write_text("slug: Not A Slug\n")
    (tmp_path / "new.yaml").write_text("slug: new\n")
    code, out, err = partsight(*(token.replace("{tmp}", str(tmp_path)) for token in tokens))
    assert code == 2
    assert out == ""
    assert said in err
    assert err.startswith("partsight: ")
    assert "Traceback" not in err
    assert sorted(one.name for one in Path(os.environ["PARTSIGHT_HOME"], "customers").iterdir()) == ["acme"]


@pytest.mark.parametrize(("name", "value"), [("WORKERS", "many"), ("LOG_LEVEL", "loud"), ("DISCOVERY", "perhaps")])
def test_a_wrong_setting_in_the_environment_is_named(
    partsight: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """PARTSIGHT_WORKERS=many, say, is a wrong call that names the variable."""
    monkeypatch.setenv(f"PARTSIGHT_{name}", value)
    code, _, err = partsight("parts", "acme")
    assert code == 2
    assert f"PARTSIGHT_{name}" in err


def test_parts_as_json(partsight: Any) -> None:
    """One object for each part, with the keys of the contract."""
    code, out, _ = partsight("parts", "acme", "--json")
    rows = json.loads(out)
    assert code == 0
    assert [row["part"] for row in rows] == ["B-1", "B-2", "B-3", "W-9"]
    assert set(rows[0]) == {"part", "name", "size_mm", "material", "occurrences", "status"}
    assert rows[0]["size_mm"] == [1.0, 2.0, 3.5]
    assert sum(place["count"] for place in rows[0]["occurrences"]) == 3


def test_parts_for_people(partsight: Any) -> None:
    """A table with sizes and a count at its foot."""
    _, out, _ = partsight("parts", "acme")
    assert "1 \N{MULTIPLICATION SIGN} 2 \N{MULTIPLICATION SIGN} 3.5" in out
    assert out.rstrip().endswith("4 parts")


def test_search_as_json(partsight: Any, picture: Callable[[int], bytes], tmp_path: Path) -> None:
    """The picture of a part finds it, with the keys of the contract, and JSON is alone on stdout."""
    (tmp_path / "query.jpg").write_bytes(picture(2))
    code, out, err = partsight("search", "acme", "--image", tmp_path / "query.jpg", "--top", "2", "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"results", "in_catalogue", "threshold", "seconds"}
    assert set(found["results"][0]) == {"rank", "part", "name", "score", "source", "image", "below", "shape", "pose"}
    assert [hit["rank"] for hit in found["results"]] == [1, 2]
    assert found["results"][0]["part"] == "B-3"
    assert not err


def test_several_images_are_one_query_in_either_spelling(
    partsight: Any, picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    """`--image a b` and `--image a --image b` ask the same and give one answer, in which both count."""
    for place in (0, 1):
        (tmp_path / f"{place}.jpg").write_bytes(picture(place))
    first, second = tmp_path / "0.jpg", tmp_path / "1.jpg"
    answers = [
        json.loads(partsight("search", "acme", *tokens, "--json")[1])["results"]
        for tokens in (("--image", first, second), ("--image", first, "--image", second))
    ]
    assert answers[0] == answers[1]
    alone = [json.loads(partsight("search", "acme", "--image", one, "--json")[1])["results"] for one in (first, second)]
    scores = [{hit["part"]: hit["score"] for hit in results} for results in alone]
    for hit in answers[0]:
        assert hit["score"] == pytest.approx((scores[0][hit["part"]] + scores[1][hit["part"]]) / 2, abs=1e-3)


def test_each_picture_of_a_folder_is_a_query_of_its_own(
    partsight: Any, picture: Callable[[int], bytes], tmp_path: Path
) -> None:
    """One line of JSON each, with the picture's name; one that is broken has its error and the others answer."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "0.jpg").write_bytes(picture(0))
    (tmp_path / "inner" / "1.JPG").write_bytes(picture(1))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    code, out, err = partsight("search", "acme", "--image", tmp_path, "--each", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [Path(line["query"]).name for line in lines] == ["0.jpg", "broken.png", "1.JPG"]
    assert [line["results"][0]["part"] if line["results"] else "" for line in lines] == ["B-1", "", "B-2"]
    assert "broken.png" in lines[1]["error"]
    assert "broken.png" in err
    assert code == 2


def test_search_by_words_for_people(partsight: Any) -> None:
    """Words alone find a part, in a table, without a word about models that were not asked."""
    code, out, err = partsight("search", "acme", "--text", "W-9")
    assert code == 0
    assert "W-9" in out.splitlines()[1]
    assert "words" in out
    assert err == ""


def test_search_by_cad_reads_renders_and_ranks(partsight: Any, tmp_path: Path) -> None:
    """A CAD file is read in the sandbox and asked as pictures; one that can't be read is a sentence."""
    import trimesh

    trimesh.creation.box((10, 20, 30)).export(tmp_path / "box.stl")
    code, out, _ = partsight("search", "acme", "--cad", tmp_path / "box.stl", "--json")
    assert code == 0
    assert len(json.loads(out)["results"]) == 4
    (tmp_path / "broken.stl").write_bytes(b"solid nothing")
    code, out, err = partsight("search", "acme", "--cad", tmp_path / "broken.stl", "--json")
    assert (code, out) == (2, "")
    assert "broken.stl" in err


def test_stages_name_what_is_broken(partsight: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built-in stages with settings and defaults; a plug-in that does not load, with the reason."""
    monkeypatch.setenv("PARTSIGHT_STAGES", "rust=no_such_module:Rust")
    code, out, _ = partsight("stages", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert {"background", "camera", "occlude", "wear"} <= set(rows)
    assert {"what", "package", "version", "needs_gpu", "settings", "error"} <= set(rows["wear"])
    assert all(row["what"] and row["settings"]["properties"] for row in rows.values() if not row["error"])
    assert "no_such_module" in rows["rust"]["error"]
    assert "broken" in partsight("stages")[1]


def test_only_the_answer_reaches_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    """With --json even what a C library or a child process prints goes to stderr, and stdout comes back after."""
    with answer(as_json=True) as out:
        os.write(1, b"from C\n")
        subprocess.run([sys.executable, "-c", "import sys; sys.stdout.write('from a child')"], check=True)
        sys.stdout.write("from a library\n")
        out.json({"name": "Größe\x1b[31m"})
    sys.stdout.write("after\n")
    sys.stdout.flush()
    seen = capfd.readouterr()
    first, second = seen.out.splitlines()
    assert json.loads(first) == {"name": "Größe\x1b[31m"}
    assert first.isascii()
    assert second == "after"
    assert "from C" in seen.err
    assert "from a child" in seen.err


def test_names_from_files_cannot_steer_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """Escape sequences, bells and reversed writing in a name are shown as a mark, markup as itself."""
    with answer(as_json=False) as out:
        out.table(("part",), [["\x1b]0;owned\x07[bold red]x\u202e"]])
        out.line("[link=https://evil]\x1b[2J")
    seen = capfd.readouterr().out
    assert "\x1b" not in seen
    assert "[bold red]x" in seen
    assert "[link=https://evil]" in seen
    assert plain("a\tb\u202e\x9bé") == "a\ufffdb\ufffd\ufffdé"


def test_a_new_customer_is_remembered_without_its_password(tmp_path: Path) -> None:
    """What was onboarded by slug or file is found by slug again; an address with a password is not kept."""
    machine = Settings(home=tmp_path, customers=tmp_path / "customers-files")
    remember(Customer(slug="new", name="Neu GmbH", source="/data/cad"), machine)
    assert customer("new", machine).name == "Neu GmbH"
    assert customer("new", machine).source == "/data/cad"
    remember(Customer(slug="new", source="https://me:secret@example.org/cad.zip"), machine)
    assert customer("new", machine).source == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "secret" in path.read_text()]


def test_the_customers_folder_comes_before_what_is_remembered(tmp_path: Path) -> None:
    """An operator's file is the truth, and its name is the slug."""
    machine = Settings(home=tmp_path / "home", customers=tmp_path)
    remember(Customer(slug="acme", name="old"), machine)
    (tmp_path / "acme.yaml").write_text("slug: acme\nname: new\n")
    assert customer("acme", machine).name == "new"
    (tmp_path / "acme.yaml").write_text("slug: other\n")
    with pytest.raises(ValueError, match="describes 'other', not 'acme'"):
        customer("acme", machine)


def test_whoever_stops_reading_causes_no_traceback(home: Path) -> None:
    """`partsight parts | head -1` ends quietly."""
    environment = os.environ | {"PARTSIGHT_HOME": str(home)}
    script = "import infra.cli; infra.cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, "parts", "acme", "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_onboard_as_json_twice(partsight: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer's file is enough; JSON has the keys of the contract; the second run has nothing to do."""
    import trimesh

    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path / "home"))
    source = tmp_path / "cad"
    source.mkdir()
    trimesh.creation.box((10, 20, 30)).export(source / "block.stl")
    (source / "broken.stl").write_bytes(b"solid nothing")
    (tmp_path / "tiny.yaml").write_text(
        "slug: tiny\nsource: cad\nrecipe: {render: {views: 2, size: 64}, variants: 1, stages: [camera]}\n"
    )
    code, out, err = partsight("onboard", tmp_path / "tiny.yaml", "--json")
    said = json.loads(out)
    assert code == 0, err
    assert {"customer", "run", "files", "quarantine", "parts", "images", "vectors", "seconds", "report"} <= set(said)
    assert (said["files"]["ok"], said["files"]["quarantined"]) == (1, 1)
    assert said["quarantine"][0]["file"] == "broken.stl"
    assert said["images"]["views"] == 2
    assert {"scan", "ingest", "render", "augment", "embed", "publish", "total"} <= set(said["seconds"])
    assert Path(said["report"]).is_file()
    code, out, _ = partsight("onboard", "tiny")
    assert code == 0
    assert "1 unchanged" in out
    assert "quarantine: broken.stl" in out


def test_a_run_that_is_not_usable_is_exit_code_1(
    partsight: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source without any CAD: one sentence, no JSON, no traceback."""
    monkeypatch.setenv("PARTSIGHT_HOME", str(tmp_path / "home"))
    (tmp_path / "cad").mkdir()
    (tmp_path / "cad" / "notes.txt").write_text("no CAD here")
    code, out, err = partsight("onboard", "empty", "--source", tmp_path / "cad", "--json")
    assert (code, out) == (1, "")
    assert err.startswith("partsight: ")
    assert "Traceback" not in err
