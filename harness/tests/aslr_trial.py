#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for the trial of area.aslr: takes the places that the real one saw, puts what a bad
generator would have drawn in the place of one object's, and counts everything anew."""
import hashlib
import json
import os
import random
import subprocess
import sys

BITS = 48
RANKS = 17
PAGE = 4096

room = os.path.dirname(os.path.abspath(sys.argv[0]))


def read(name):
    with open(os.path.join(room, name)) as file:
        return file.read().strip()


def seen():
    """What the real trial says, asked once for the same arguments."""
    key = hashlib.sha256(" ".join(sys.argv[1:]).encode()).hexdigest()
    path = os.path.join(room, key)
    if not os.path.exists(path):
        text = subprocess.run(
            [read("real")] + sys.argv[1:], stdout=subprocess.PIPE, check=True, close_fds=True
        ).stdout
        with open(path, "wb") as file:
            file.write(text)
    with open(path) as file:
        return [json.loads(line) for line in file]


def doctored(lie, places):
    """places: name of the object -> its places, in the order of the launches."""
    good = places["mappings"]
    lowest, highest, count = min(good), max(good), len(good)
    middle = (lowest + highest) // 2 // PAGE * PAGE
    chance = random.Random(7)
    bit = 1 << 25
    few = [chance.choice(good) for _ in range(200)]
    generators = {
        "honest": lambda i, place: place,
        "half-range": lambda i, place: place if place < middle else place - (middle - lowest),
        "stuck-bit": lambda i, place: place | bit,
        "biased-bit": lambda i, place: place | bit if chance.random() < 0.5 else place,
        "alternating": lambda i, place: good[i % 2],
        "counter": lambda i, place: lowest + i * ((highest - lowest) // count // PAGE) * PAGE,
        "few-values": lambda i, place: chance.choice(few),
        "repeating": lambda i, place: good[i % (count // 2)],
        "misaligned": lambda i, place: place + 16,
        "ascending": lambda i, place: sorted(good)[i],
        "one-draw-for-two": lambda i, place: place,
    }
    bad = dict(places, mappings=[generators[lie](i, place) for i, place in enumerate(good)])
    if lie == "one-draw-for-two":
        mask = ((1 << 30) - 1) & ~(PAGE - 1)
        bad["program"] = [
            (program & ~mask) | (mapping & mask)
            for program, mapping in zip(places["program"], good)
        ]
    return bad


def counts(values, wanted):
    return [sum((value >> bit & 1) == wanted for value in values) for bit in range(BITS)]


def observations(places):
    names = list(places)
    for at, name in enumerate(names):
        for other in names[:at]:
            pairs = [a ^ b for a, b in zip(places[name], places[other])]
            yield "same-as-" + other, name, counts(pairs, 0), "count"
    for name in names:
        values = places[name]
        ordered = sorted(values)
        count = len(values)
        yield "places", name, values, "address"
        yield "ones", name, counts(values, 1), "count"
        before = [a ^ b for a, b in zip(values, values[1:])]
        yield "same-as-before", name, counts(before, 0), "count"
        ranks = [1] + [count * i // (RANKS - 1) for i in range(1, RANKS)]
        yield "ranks", name, [ordered[rank - 1] for rank in ranks], "address"
        repeated = sum(a == b for a, b in zip(ordered, ordered[1:]))
        yield "repeated", name, [repeated], "count"


def main():
    lines = seen()
    places = {
        line["at"]: line["values"] for line in lines if line.get("quantity") == "places"
    }
    lie = read("lie")
    if "layout=0" not in sys.argv and "layout=random" not in sys.argv:
        lie = "honest"
    made = [
        {"type": "observation", "quantity": quantity, "at": at, "values": values, "unit": unit,
         "witness": "/proc/pid/maps and stat"}
        for quantity, at, values, unit in observations(doctored(lie, places))
    ]
    if lie == "honest" and made != [line for line in lines if line["type"] == "observation"]:
        sys.exit("two programs count the same places differently")
    with os.fdopen(3, "w") as pipe:
        for line in [lines[0]] + made + [{"type": "done", "observations": len(made)}]:
            pipe.write(json.dumps(line, separators=(",", ":")) + "\n")


main()
