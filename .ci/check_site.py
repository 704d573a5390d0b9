"""Check that the built site has an entry for each public name and fetches nothing from outside."""

import re
import sys
from pathlib import Path

import customer_value

pages = {path: path.read_text(encoding="utf-8") for path in Path(sys.argv[1]).rglob("*.html")}
anchors = {
    anchor.rpartition(".")[2]
    for page in pages.values()
    for anchor in re.findall(r'id="(customer_value\.[\w.]+)"', page)
}
names = {name for name in customer_value.__all__ if not name.startswith("_")}
if missing := sorted(names - anchors):
    sys.exit(f"no entry in the built reference: {', '.join(missing)}")

fetched = re.compile(
    r'<(?:script|img|link(?=[^>]*stylesheet))[^>]*(?:src|href)="(?:https?:)?//[^"]*'
)
if outside := sorted({hit for page in pages.values() for hit in fetched.findall(page)}):
    sys.exit(f"the site fetches from elsewhere: {outside}")
sys.stdout.write(f"{len(pages)} pages, {len(names)} public names, all in the reference\n")
