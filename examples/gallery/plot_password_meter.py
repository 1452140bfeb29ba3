"""
How soon would a password be guessed?
=====================================

Anyone who guesses passwords starts with those that people choose. A model that has learned from
leaked passwords knows which those are, and says how many others it would try first: the *guess
number*.
"""

from matplotlib import pyplot as plt

from charlm import CharLM
from chartok import read_records

# Some of the passwords that are on every list of leaked ones; a real meter takes millions.
leaked = read_records("leaked_passwords.txt")
lm = CharLM.fit(leaked, order=5)

# %%
# Most of these have probably never been used. Some are easy to guess all the same.

tried = "dragon sunshine99 p@ssw0rd24 monkeybanana correcthorse vfpkyqee x7kq9wm3tz"
passwords = tried.split()
guesses = lm.guess_numbers(passwords)
for password, number in sorted(zip(passwords, guesses, strict=True), key=lambda pair: pair[1]):
    print(f"{number:8.0e} guesses: {password}")

# %%
# With a stolen password file, a graphics card can try ten billion guesses a second, if the hash is
# a fast one. The lines mark a minute and a year at that rate. :doc:`/howto/passwords` says what
# such a number does not tell you.

RATE = 1e10
order = guesses.argsort()
figure, axes = plt.subplots()
for row, place in enumerate(order):
    seconds = guesses[place] / RATE
    color = "C3" if seconds < 60 else "C1" if seconds < 86_400 * 365 else "C2"
    axes.plot([1, guesses[place]], [row, row], color=color, linewidth=5, solid_capstyle="butt")
    axes.plot(guesses[place], row, "o", color=color, markersize=11)
for name, seconds in {"a minute": 60, "a year": 86_400 * 365}.items():
    axes.axvline(seconds * RATE, color="C5", linestyle=":", linewidth=1)
    axes.text(2 * seconds * RATE, -0.2, name, color="C5")
axes.set_yticks(range(len(order)), [passwords[place] for place in order], family="monospace")
axes.set(title="Guessed sooner than one might think", xscale="log")
axes.set(xlabel="guesses until it is found", ylabel="password")
axes.invert_yaxis()
plt.show()
