"""Performs the recipes in a copy of the project and prints what each has cost."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.recipes.performed import performed

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        done = performed(Path(folder))
        for title, cost in done.costs.items():
            print(f"{title}: {cost}")
        print(f"All of them: {done.generated}")
