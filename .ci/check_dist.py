"""Check what the built wheel and sdist in a directory hold against the source tree."""

import re
import sys
import tarfile
import zipfile
from pathlib import Path

folder = Path(sys.argv[1])
(wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")

source = {
    path.relative_to("src").as_posix()
    for path in Path("src/customer_value").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
if "customer_value/py.typed" not in source or not any(n.endswith(".parquet") for n in source):
    sys.exit("src/customer_value lacks py.typed or its data")

with zipfile.ZipFile(wheel) as archive:
    names = set(archive.namelist())
    info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
    metadata = archive.read(f"{info}/METADATA").decode()
packaged = {name for name in names if not name.startswith(info)}
if packaged != source:
    sys.exit(f"wheel and src differ: {sorted(packaged ^ source)}")
if not any(name.startswith(info) and name.endswith("/LICENSE") for name in names):
    sys.exit("the wheel lacks LICENSE")
if not re.search(r"^License-Expression: MIT$", metadata, flags=re.MULTILINE):
    sys.exit("the wheel's metadata lack the licence")

with tarfile.open(sdist) as archive:
    shipped = {name.partition("/")[2] for name in archive.getnames()}
wanted = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "mkdocs.yml", "docs/index.md"}
if missing := wanted - shipped:
    sys.exit(f"the sdist lacks {sorted(missing)}")
sys.stdout.write(f"{wheel.name}: {len(packaged)} files, the same as in src, and LICENSE\n")
