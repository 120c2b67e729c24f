"""How often the gate would blame a variant that is as good as its parent, and how far its intervals hold.

    python studies/gate_study.py [--draws 400] [--patients 12 41 120]

Draws patients of 30 slices whose parent and variant are equally good: of each patient some decisions change, all for
the worse or all for the better, as one head's oddities go. Counts how often McNemar's test calls that a loss with a
p-value below 0.05 (2.5 % would be right), over single slices and over patients, and how often the 95 % interval of the
drop in accuracy holds the true drop of 0. Needs nothing but hemotk; prints Markdown.
"""

import argparse

import numpy as np

from hemotk.stats.paired import mcnemar, mcnemar_by_group, share_drop

SLICES = 30
CHANGED = 0.05  # the share of decisions that change, on average over patients
LEVEL = 0.05


def drawn(patients: int, random: np.random.Generator) -> np.ndarray:
    """What became of each slice's decision, int [patients · SLICES]: 1 lost, −1 gained, 0 as before."""
    shares = np.minimum(1.0, random.exponential(CHANGED, patients))
    signs = random.choice([-1, 1], patients)
    changes = random.random((patients, SLICES)) < shares[:, None]
    return (changes * signs[:, None]).ravel()


def row(patients: int, draws: int, random: np.random.Generator) -> str:
    """One line of the table."""
    groups = np.repeat(np.arange(patients), SLICES)
    alarms, held = np.zeros(2), np.zeros(2)
    for _ in range(draws):
        change = drawn(patients, random)
        lost, gained = int((change > 0).sum()), int((change < 0).sum())
        values = mcnemar(lost, gained), mcnemar_by_group(change, groups)
        alarms += [lost > gained and value < LEVEL for value in values]
        parent, variant = change >= 0, change <= 0
        drops = (share_drop(parent, variant, chosen) for chosen in (None, groups))
        held += [(found.low or 0) <= 0 <= (found.high or 0) for found in drops]
    shares = (*alarms / draws, *held / draws)
    return f"| {patients} | " + " | ".join(f"{share:.3f}" for share in shares) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--patients", type=int, nargs="+", default=[12, 41, 120])
    given = parser.parse_args()
    print("| patients | blamed, over slices | blamed, over patients | interval holds, over slices | over patients |")
    print("|---|---|---|---|---|")
    random = np.random.default_rng(0)
    for patients in given.patients:
        print(row(patients, given.draws, random), flush=True)


if __name__ == "__main__":
    main()
