"""An app's .dex as a .jar again, by enjarify: `/usr/bin/python3 undex.py IN.dex OUT.jar`.

So the core's tests run on what dx made, with the virtual machine of this computer in place of Android's. enjarify does
not extend the sign of const-wide/32, which is mended here. A class of ours that it cannot translate is an error.
"""

import sys

from enjarify import dalvikformats, main
from enjarify.jvm.optimization import options

OURS = "org/hemotk/"


def signed(word: int, low: int, high: int) -> list[int]:
    """Register and value of the format 31i: const is taken modulo 2³² later, const-wide/32 is not."""
    return [word >> 8, dalvikformats.sign(low ^ (high << 16), 32)]


if __name__ == "__main__":
    dalvikformats._FUNC["31i"] = signed
    classes, errors = main.translate(main.read(sys.argv[1]), options.PRETTY)
    own = [name for name in errors if name.startswith(OURS)]
    if own:
        sys.exit(f"{own[0]}: {errors[own[0]]}")
    main.writeToJar(sys.argv[2], classes)
    print(f"{len(classes)} classes translated back, {len(errors)} of libraries not")
