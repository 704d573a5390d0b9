"""Check that the built site has an entry for each public name, and fetches nothing from outside."""

import inspect
import re
import sys
from pathlib import Path

import customer_value

pages = {path: path.read_text(encoding="utf-8") for path in Path(sys.argv[1]).rglob("*.html")}
anchors = {
    anchor
    for page in pages.values()
    for anchor in re.findall(r'id="(customer_value\.[\w.]+)"', page)
}
root = {name for name in customer_value.__all__ if not name.startswith("_")}
rooms = {name for name in root if inspect.ismodule(getattr(customer_value, name))}
names = {
    f"{room}.{name}"
    for room in rooms
    for name in getattr(getattr(customer_value, room), "__all__", ())
}
short = {anchor.rpartition(".")[2] for anchor in anchors}
missing = {name for name in names if f"customer_value.{name}" not in anchors}
missing |= root - rooms - short
if missing:
    sys.exit(f"no entry in the built reference: {', '.join(sorted(missing))}")

fetched = re.compile(
    r'<(?:script|img|link(?=[^>]*stylesheet))[^>]*(?:src|href)="(?:https?:)?//[^"]*'
)
if outside := sorted({hit for page in pages.values() for hit in fetched.findall(page)}):
    sys.exit(f"the site fetches from elsewhere: {outside}")
sys.stdout.write(f"{len(pages)} pages, {len(names | root)} public names, all in the reference\n")
