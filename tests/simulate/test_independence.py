import ast
from pathlib import Path

import s2lookback.simulate

ALLOWED = {"s2lookback.bands", "s2lookback.grid", "s2lookback.scene", "s2lookback.masking.classes"}


def test_the_simulator_shares_no_code_with_what_it_judges():
    found = set()
    for path in Path(s2lookback.simulate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found.add(node.module)
            elif isinstance(node, ast.Import):
                found |= {name.name for name in node.names}
    own = {name for name in found if name.startswith("s2lookback.") and not name.startswith("s2lookback.simulate")}
    assert own <= ALLOWED
    assert "s2lookback.scene" in own
