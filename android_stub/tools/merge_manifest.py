"""The part of Gradle's manifest merger that this app needs: `python merge_manifest.py MANIFEST OUT`.

The package goes in. Elements marked for removal go out, and so do the attributes of the tools and those that came after
Android 10, whose framework aapt is given.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ANDROID = "http://schemas.android.com/apk/res/android"
TOOLS = "http://schemas.android.com/tools"
LATER = ("dataExtractionRules", "enableOnBackInvokedCallback")
PACKAGE = "org.hemotk.app"


def merged(text: str) -> str:
    """The manifest as aapt takes it."""
    ET.register_namespace("android", ANDROID)
    root = ET.fromstring(text)
    root.set("package", PACKAGE)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get(f"{{{TOOLS}}}node") == "remove":
                parent.remove(child)
    for element in root.iter():
        for name in list(element.attrib):
            if name.startswith(f"{{{TOOLS}}}") or name in [f"{{{ANDROID}}}{later}" for later in LATER]:
                del element.attrib[name]
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(merged(Path(sys.argv[1]).read_text(encoding="utf-8")), encoding="utf-8")
