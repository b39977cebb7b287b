"""Assembly paths are made of the names of products, however a system names their occurrences."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tasks.readers.step import Step
from tasks.readers.structure import products

TEXT = """
#1 = PRODUCT('P-1','gear\\X2\\00E4\\X0\\box','',(#9));
#2 = PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE('','',#1,.MADE.);
#3=PRODUCT_DEFINITION('design',$,#2,#8);
#4=PRODUCT('it''s; (a) bolt','','',(#9)) ;
#5=PRODUCT_DEFINITION_FORMATION('','',#4);
#6=PRODUCT_DEFINITION('design','',#5,#8);
#10=NEXT_ASSEMBLY_USAGE_OCCURRENCE('NAUO1','','',#99,#3,$);
#11=NEXT_ASSEMBLY_USAGE_OCCURRENCE('NAUO2','left',
  '',#3,#6,$);
#12=NEXT_ASSEMBLY_USAGE_OCCURRENCE('NAUO3','left','',#3,#3,$);
#13=NEXT_ASSEMBLY_USAGE_OCCURRENCE('NAUO4','','',#3,#77,$);
"""


def test_occurrences_lead_to_products() -> None:
    """Quotes, line breaks, encoded letters and missing names are understood; what is ambiguous is left out."""
    found = products(TEXT.encode())
    assert found["NAUO1"] == "gearäbox"
    assert found["NAUO2"] == "it's; (a) bolt"
    assert "left" not in found
    assert found["NAUO4"] == ""


def test_paths_are_made_of_products(kernel_files: Path, tmp_path: Path) -> None:
    """An assembly whose occurrences have no names has the same paths as one where they do."""
    text = (kernel_files / "frame.step").read_text(encoding="utf-8")
    nameless = re.sub(r"(NEXT_ASSEMBLY_USAGE_OCCURRENCE\()'(\d+)','[^']*'", r"\1'NAUO\2',' '", text)
    assert re.search(r"'NAUO\d+',' '", nameless)  # numbers go on from file to file that a process writes
    (tmp_path / "nameless.step").write_text(nameless, encoding="utf-8")
    paths = [
        [(body.name, body.path) for body in Step()(folder / name)]
        for folder, name in ((kernel_files, "frame.step"), (tmp_path, "nameless.step"))
    ]
    assert paths[0] == paths[1]
    assert ("pin", "frame/row left") in paths[0]


@pytest.mark.parametrize("text", [b"#1=PRODUCT(" * 2_000, b"#1=PRODUCT('" * 2_000, b"#1=PRODUCT(" + b"'a'," * 50_000])
def test_hostile_text_takes_no_time(text: bytes) -> None:
    """The search is linear also where every entity is begun and none is ended."""
    start = time.process_time()
    assert products(text + b" NEXT_ASSEMBLY_USAGE_OCCURRENCE") == {}
    assert time.process_time() - start < 5
