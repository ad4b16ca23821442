"""Every name that a locustfile can import is there, and is called as Locust's is."""

import os
import subprocess

import api_surface
import pytest


@pytest.fixture(scope="module")
def instances():
    return api_surface.Instances()


@pytest.mark.parametrize(
    ("module", "name", "description"),
    list(api_surface.names()),
    ids=[f"{module}:{name}" for module, name, _ in api_surface.names()],
)
def test_name(instances, module, name, description):
    assert api_surface.defect(module, name, description, instances) is None


def test_defects_are_seen():
    def described(self, a, b=1):
        """Stands for what is compared."""

    assert api_surface.signature_defect(described, "(self, a, b=1)") is None
    assert api_surface.signature_defect(described, "(self, a, b=...)") is None
    assert "b=1 instead of b=2" in api_surface.signature_defect(described, "(self, a, b=2)")
    assert "instead of c" in api_surface.signature_defect(described, "(self, c, b=1)")
    assert "c=2 is missing" in api_surface.signature_defect(described, "(self, a, b=1, c=2)")
    assert api_surface.defect("locust", "NoSuchName", "class", {}) == "missing"
    assert "cannot be had" in api_surface.defect("locust.nowhere", "x", "class", {})


@pytest.mark.skipif(not os.environ.get("LOCUST_REF_PYTHON"), reason="no LOCUST_REF_PYTHON")
def test_the_list_describes_real_locust():
    """The names that are ours alone, or of another version, are the only differences."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        [os.environ["LOCUST_REF_PYTHON"], api_surface.__file__],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    rows = [line for line in run.stdout.splitlines() if line.startswith("| locust")]
    different = {line.split(" | ")[1] for line in rows if "| as described |" not in line}
    assert len(rows) == len(list(api_surface.names())), run.stderr
    assert different <= {"median_from_dict", "BaseSocket.send", "BaseSocket.send_to_client"}
