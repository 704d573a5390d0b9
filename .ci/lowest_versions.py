"""Print each dependency of a pyproject.toml, pinned to the lowest version that it promises."""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"]:
    name = re.match(r"[\w.-]+(\[[\w.,-]+\])?", requirement)
    lowest = re.search(r"(?:>=|==|~=)\s*([\w.]+)", requirement)
    if name is None or lowest is None:
        sys.exit(f"no lower bound in {requirement!r}")
    sys.stdout.write(f"{name.group()}=={lowest.group(1)}\n")
