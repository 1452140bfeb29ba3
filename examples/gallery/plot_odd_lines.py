"""
Odd lines in a log
==================

A model learns what the lines of a log look like on usual days, and then reads another day's. Nobody
says what an error looks like: lines that are not like the others stand out. :doc:`/howto/odd-lines`
says what is found, and how reliably.
"""

import random
import textwrap

import numpy as np
from matplotlib import pyplot as plt

from charlm import CharLM

draw = random.Random(1)  # noqa: S311 - an experiment


def usual_lines(number: int) -> list[str]:
    """Returns lines of a server's log, in the order of the day."""
    kinds = [
        "backup of disk {0} done",
        "GET /shop/{1} 200 in {2} ms",
        "mail {1:06x} sent",
        "session {1} of user {0}",
    ]
    lines = []
    for minute in sorted(draw.choices(range(24 * 60), k=number)):
        fields = draw.choice("abc"), draw.randrange(10**6), draw.randrange(90)
        lines.append(
            f"{minute // 60:02}:{minute % 60:02} INFO {draw.choice(kinds).format(*fields)}"
        )
    return lines


# %%
# Lines that the model has not learned from show how much usual lines vary. From then on, each line
# has a p-value: the share of usual lines that are at least as unusual.

lm = CharLM.fit(usual_lines(6000)).calibrate(usual_lines(4000))
odd = [
    "03:12 INFO backup of disk b dome",
    "08:31 ERROR disk b not found",
    "14:02 INFO session '; DROP TABLE users",
    "19:45 INFO mail 03f2c1 sent sent",
]
day = sorted([*usual_lines(1500), *odd])
p_values = lm.p_values(day)
for line, p_value in zip(day, p_values, strict=True):
    if p_value < 0.001:
        print(f"{p_value:.5f}  {line}")

# %%
# The threshold is the share of usual lines that will fall below it: that is all there is to choose.

hours = np.array([int(line[:2]) + int(line[3:5]) / 60 for line in day])
is_odd = np.isin(day, odd)
figure, axes = plt.subplots()
axes.scatter(hours[~is_odd], p_values[~is_odd], s=12, color="C5", alpha=0.7, linewidth=0)
axes.scatter(hours[is_odd], p_values[is_odd], s=70, color="C3", linewidth=0)
axes.axhline(0.001, color="C0", linestyle="--", linewidth=1.5)
axes.text(0, 0.0011, "one false alarm in 1,000 lines", color="C0")
for hour, p_value, line in zip(hours[is_odd], p_values[is_odd], odd, strict=True):
    said = textwrap.fill(line[6:], 16)
    axes.text(hour, p_value / 1.3, said, color="C3", size=9, ha="center", va="top")
axes.set(title="A day of 1,504 lines, of which four are odd", yscale="log", ylim=(6e-5, 1.5))
axes.set(xlabel="time of day in hours", ylabel="p-value", xticks=range(0, 25, 4))
plt.show()
