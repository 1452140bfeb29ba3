"""Generates names like those in a list with one per line: ``python examples/names.py names.txt``."""

import sys

from charlm import CharLM
from chartok import read_records

SOME_NAMES = """
emma olivia ava isabella sophia charlotte mia amelia harper evelyn abigail emily elizabeth mila ella avery sofia camila
aria scarlett victoria madison luna grace chloe penelope layla riley zoey nora lily eleanor hannah lillian addison
aubrey ellie stella natalie zoe leah hazel violet aurora savannah audrey brooklyn bella claire skylar lucy paisley
everly anna caroline nova genesis emilia kennedy samantha maya willow kinsley naomi aaliyah elena sarah ariana allison
"""


def main(path: str | None = None) -> list[str]:
    """Returns twenty names that are not in the list."""
    names = SOME_NAMES.split() if path is None else read_records(path)
    lm = CharLM.fit(names, order=5)
    return lm.sample(20, min_length=4, max_length=10, exclude=names, temperature=0.8, seed=1)


if __name__ == "__main__":
    print("\n".join(main(*sys.argv[1:])))
