"""Pictures that are no head CT slices, drawn: uint8 [height, width] or [height, width, 3]."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 240


def _soft(image, radius=2):
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))


def _noisy(gray, seed=0, spread=6):
    noise = np.random.default_rng(seed).normal(0, spread, gray.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def landscape():
    """Sky, hills and a house, in gray."""
    sky = np.linspace(230, 150, SIDE)[:, None].repeat(SIDE, 1).astype(np.uint8)
    image = Image.fromarray(sky)
    draw = ImageDraw.Draw(image)
    draw.ellipse((-80, 140, 200, 400), fill=90)
    draw.ellipse((100, 160, 380, 420), fill=70)
    draw.rectangle((60, 110, 120, 170), fill=200)
    draw.polygon([(50, 110), (90, 70), (130, 110)], fill=110)
    return _noisy(_soft(image))


def portrait():
    """A face before a wall, in colour."""
    image = Image.new("RGB", (SIDE, SIDE), (120, 140, 160))
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 160, 200, 320), fill=(60, 70, 140))
    draw.ellipse((75, 40, 165, 165), fill=(215, 165, 140))
    draw.ellipse((70, 30, 170, 90), fill=(70, 45, 30))
    for x in (100, 135):
        draw.ellipse((x, 95, x + 10, 103), fill=(30, 30, 30))
    return _noisy(_soft(image))


def page():
    """Lines of text on paper."""
    image = Image.new("L", (SIDE, SIDE), 245)
    draw = ImageDraw.Draw(image)
    for line in range(14):
        draw.text((20, 15 + 15 * line), "No focal abnormality was seen in " + "xyz " * (line % 4), fill=20)
    return np.asarray(image)


def dark_page():
    """Light text on black, as a terminal shows it."""
    return 255 - page()


def chest(black_corners=False):
    """A chest film: lungs, ribs, heart, diaphragm; air above the shoulders."""
    image = Image.new("L", (SIDE, SIDE), 150)
    draw = ImageDraw.Draw(image)
    for x in (0, SIDE):
        draw.ellipse((x - 60, -50, x + 60, 35), fill=8)
    for left, right in ((35, 110), (130, 205)):
        draw.ellipse((left, 30, right, 190), fill=45)
    for height in range(40, 180, 18):
        draw.arc((25, height, 215, height + 60), 180, 360, fill=120, width=3)
    draw.rectangle((112, 0, 128, SIDE), fill=225)
    draw.ellipse((100, 110, 175, 190), fill=215)
    draw.rectangle((0, 185, SIDE, SIDE), fill=200)
    if black_corners:
        for x in (0, SIDE - 14):
            draw.rectangle((x, 0, x + 14, SIDE), fill=0)
    return _noisy(_soft(image))


def chest_slice():
    """A CT slice of the chest in a window for the brain: black lungs, muscle, bright bone."""
    image = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 50, 230, 200), fill=140)
    for left, right in ((28, 105), (135, 212)):
        draw.ellipse((left, 65, right, 180), fill=0)
    draw.ellipse((105, 150, 135, 185), fill=255)
    draw.ellipse((100, 85, 150, 140), fill=150)
    return _noisy(_soft(image, 1))


def noise():
    return np.random.default_rng(1).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)


def uniform():
    return np.full((SIDE, SIDE), 90, np.uint8)


def stripes():
    return ((np.mgrid[:SIDE, :SIDE].sum(0) // 20 % 2) * 255).astype(np.uint8)


def strip():
    """A long narrow picture."""
    return landscape()[:60].repeat(1, 0)


def jet(gray):
    """The gray picture through a rainbow of colours."""
    level = gray.astype(float) / 255
    channels = [np.clip(1.5 - np.abs(4 * level - peak), 0, 1) for peak in (3, 2, 1)]
    return (255 * np.stack(channels, -1)).astype(np.uint8)


def hot(gray):
    """The gray picture from black over red and yellow to white."""
    level = 3 * gray.astype(float) / 255
    return (255 * np.stack([np.clip(level - shift, 0, 1) for shift in (0, 1, 2)], -1)).astype(np.uint8)


DRAWN = {
    "landscape": landscape,
    "portrait": portrait,
    "page": page,
    "dark page": dark_page,
    "chest film": chest,
    "framed chest film": lambda: chest(black_corners=True),
    "chest slice": chest_slice,
    "noise": noise,
    "uniform": uniform,
    "stripes": stripes,
    "strip": strip,
}
