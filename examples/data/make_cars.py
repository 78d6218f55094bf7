#!/usr/bin/env python3
"""Makes used_cars.csv: 300 invented cars with what tables have: texts, values that are missing, few of one class,
regions that are rare.

Everything follows from a small generator with a fixed beginning, so the file is the same everywhere. Public domain (CC0).
"""

REGIONS, RARE, FUELS = ["north", "south", "east"], ["islands", "abroad"], ["petrol", "diesel", "electric"]
state = 12345


def draw(most: int) -> int:
    """A whole number from 0 to most - 1."""
    global state
    state = (1103515245 * state + 12345) % 2**31
    return (state >> 8) % most


print("region,fuel,age,power,km,service,price,sold")
for row in range(300):
    region = REGIONS[draw(3)] if draw(25) else RARE[draw(2)]
    fuel = FUELS[min(draw(4), 2)] if draw(12) else ""
    age, power, km = draw(40) / 2, 40 + 2 * draw(90), 1000 * draw(200)
    price = 120 * power ** 0.9 * 0.9**age + {"north": 900, "east": -600}.get(region, 0)
    price = max(round(price * (1 - km / 500000) + 20 * (draw(21) - 10), -1), 500)
    sold = "no" if age > 17 or draw(40) == 0 else "yes"
    known_age = "" if draw(9) == 0 else f"{age:.1f}"
    known_km = "NA" if draw(11) == 0 else str(km)
    print(f"{region},{fuel},{known_age},{power},{known_km},{draw(5)},{price:.0f},{sold}")
