"""The house stands as ARCHITECTURE.md draws it."""

import re
import subprocess
import sys
from importlib.metadata import distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "tasks", "catalog", "s2lookback")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_resolves_inside_this_repository(room):
    found = find_spec(room)
    assert found is not None
    assert Path(found.origin).parent == ROOT / room


def test_imports_follow_the_arrows_and_never_return():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_flow_bears_the_name_of_a_room_or_of_a_library():
    libraries = set(packages_distributions()) | {one.metadata["Name"] for one in distributions()} | set(ROOMS)
    libraries |= set(sys.stdlib_module_names)
    assert {path.stem for path in (ROOT / "flows").glob("*.py")} & libraries == {"__init__"} & libraries


def test_the_page_on_architecture_is_short_and_names_only_what_exists():
    lines = (ROOT / "ARCHITECTURE.md").read_text().splitlines()
    assert len(lines) <= 150
    named = set(re.findall(r"`((?:flows|tasks|catalog|s2lookback|tests|docs)/[\w/.]*\w)", "\n".join(lines)))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_link_of_the_documentation_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("deployments/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_no_module_needs_prefect_to_compute():
    script = (
        "import s2lookback.masking.mask, s2lookback.mrap.fold, catalog.store, sys; sys.exit('prefect' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
