#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The table of tlb.sh: verdicts of its records, and what their launches took.

Usage: tlb_table.py FOLDER
"""
import json
import pathlib
import sys

FOLDER = pathlib.Path(sys.argv[1])
PROBES = ("tlb.entries", "tlb.reach")


def read(path):
    """The verdicts of the two probes, what was measured, and their launches' seconds."""
    verdicts, seconds = {}, 0.0
    for line in path.open():
        entry = json.loads(line)
        if entry["type"] == "trial" and entry["probe"] in PROBES:
            seconds += entry["duration_us"] / 1e6
        if entry["type"] == "verdict" and entry["probe"] in PROBES:
            if entry["claim"].startswith("tlb."):
                verdicts[entry["probe"]] = entry["verdict"]
    return verdicts, seconds


def main():
    times = [line.split() for line in (FOLDER / "times").read_text().splitlines()]
    passed = dict.fromkeys(PROBES, 0)
    print("run    wall s   launches s   " + "   ".join(PROBES))
    for number, wall_ms in times:
        verdicts, seconds = read(FOLDER / f"{number}.jsonl")
        for probe in PROBES:
            passed[probe] += verdicts.get(probe) == "pass"
        words = "   ".join(verdicts.get(probe, "-") for probe in PROBES)
        print(f"{number:>3} {int(wall_ms) / 1000:9.1f} {seconds:12.1f}   {words}")
    for probe in PROBES:
        print(f"{probe}: {passed[probe]} of {len(times)} pass")


main()
