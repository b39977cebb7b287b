"""The flow of a fine-tuning: one of Prefect's, with a form that a person can fill in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from blocks.catalogue import Catalogue
from blocks.customer import Customer

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_flow_is_one_of_prefects(customer: Customer, catalogue: Catalogue, tmp_path: Path) -> None:
    """Its form has a sentence for each parameter and each setting; what it cannot do ends the run in a sentence."""
    (tmp_path / "run.py").write_text(
        "import sys\n"
        "from blocks.customer import Customer\n"
        "from blocks.collection import CatalogueBlock, CustomerBlock\n"
        "from flows.finetune import finetune\n"
        "from tasks.diffusion.lora import Tuning\n"
        "if __name__ == '__main__':\n"
        "    fields = finetune.parameters.properties\n"
        "    assert list(fields) == ['customer', 'photos', 'tuning']\n"
        "    assert all(field['description'] for field in fields.values()), fields\n"
        "    assert all(field.description.endswith('.') for field in Tuning.model_fields.values())\n"
        "    who = Customer.model_validate_json(sys.argv[1])\n"
        "    try:\n"
        "        finetune(CustomerBlock(settings=who, catalogue=CatalogueBlock(uri=sys.argv[2])))\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
    )
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    environment["PARTSIGHT_HOME"] = str(tmp_path / "home")
    command = [sys.executable, tmp_path / "run.py", customer.model_dump_json(), catalogue.uri]
    run = subprocess.run(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "onboard the customer first" in run.stdout
