"""Print the fenced block of a Markdown file that follows the comment `<!-- ci: NAME -->`."""

import re
import sys
from pathlib import Path

path, name = sys.argv[1:]
blocks = re.findall(
    rf"^<!-- ci: {re.escape(name)} -->\s*\n(`{{3,}})[^\n]*\n(.*?)^\1\s*$",
    Path(path).read_text(encoding="utf-8"),
    flags=re.MULTILINE | re.DOTALL,
)
if len(blocks) != 1:
    sys.exit(f"{path}: expected one fenced block after <!-- ci: {name} -->, found {len(blocks)}")
lines = (line.removeprefix("$ ") for line in blocks[0][1].splitlines())
sys.stdout.write("\n".join(lines) + "\n")
