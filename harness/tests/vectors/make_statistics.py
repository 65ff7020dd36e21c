#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes statistics.json: what scipy, or a formula of another kind, gives for the same samples.

Usage: make_statistics.py >statistics.json   (Debian: python3-scipy; the seeds make it repeatable)
"""
import itertools
import json
import sys

import numpy
from scipy import stats

MASK = 2**64 - 1


def splitmix(state):
    """The generator of vm/random.h, written again."""
    state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return state, z ^ (z >> 31)


def below(state, limit):
    excess = (MASK % limit + 1) % limit
    while True:
        state, value = splitmix(state)
        if value <= MASK - excess:
            return state, value % limit


def median_interval(values, error):
    """Ranks by the binomial's own tail, from scipy."""
    n, best = len(values), None
    for k in range(1, n // 2 + 1):
        if 2 * stats.binom.cdf(k - 1, n, 0.5) <= error:
            best = k
    ordered = sorted(values)
    return None if best is None else [ordered[best - 1], ordered[n - best]]


def shift_interval(a, b, error):
    """Moses: ranks among the differences by the exact null distribution, counted by hand."""
    n, m = len(a), len(b)
    counts = numpy.zeros(n * m + 1)
    for chosen in itertools.combinations(range(n + m), n):
        counts[sum(chosen) - n * (n - 1) // 2] += 1
    counts /= counts.sum()
    tail, k = 0, 0
    while 2 * (tail + counts[k]) <= error:
        tail += counts[k]
        k += 1
    ordered = sorted(y - x for x in a for y in b)
    return None if k == 0 else [ordered[k - 1], ordered[n * m - k]]


def permutation(a, b):
    """Every way to deal the values out, by midranks of scipy's."""
    ranks = stats.rankdata(a + b)
    middle = len(a) * (len(a) + len(b) + 1) / 2
    seen = abs(sum(ranks[: len(a)]) - middle)
    far = [abs(sum(hand) - middle) >= seen for hand in itertools.combinations(ranks, len(a))]
    return sum(far) / len(far)


def bootstrap(values, resamples, seed, error):
    state, figures = seed, []
    for _ in range(resamples):
        drawn = []
        for _ in values:
            state, index = below(state, len(values))
            drawn.append(values[index])
        figures.append(float(numpy.median(drawn)))
    figures.sort()
    cut = int(error / 2 * resamples)
    return [figures[cut], figures[resamples - 1 - cut]]


def isotonic(values):
    """The formula of least and greatest means, not the pooling of neighbours."""
    n = len(values)
    return [
        max(min(float(numpy.mean(values[j : k + 1])) for k in range(i, n)) for j in range(i + 1))
        for i in range(n)
    ]


def adjusted(p):
    n = len(p)
    return [
        min(1.0, min(p[j] * n / (sum(q <= p[j] for q in p)) for j in range(n) if p[j] >= p[i]))
        for i in range(n)
    ]


def numbers(values):
    return [float(value) for value in values]


def main():
    generator = numpy.random.default_rng(20260131)
    one, two, many = [], [], []
    for n in (1, 2, 5, 8, 9, 10, 15, 30, 60):
        for draw in (generator.normal, generator.exponential):
            values = numbers(draw(size=n) + 100)
            one.append(
                {
                    "values": values,
                    "median": float(numpy.median(values)),
                    "spread": 1.4826 * float(stats.median_abs_deviation(values)),
                    "intervals": [
                        {"error": e, "interval": median_interval(values, e)}
                        for e in (0.2, 0.05, 0.01, 0.0025, 0.0001)
                    ],
                    "isotonic": isotonic(values),
                }
            )
    for n, m, tied in ((3, 4, 0), (5, 5, 0), (8, 6, 0), (10, 10, 0), (10, 10, 1), (70, 65, 0)):
        a = numbers(generator.normal(size=n))
        b = numbers(generator.normal(0.7, 1, size=m))
        if tied:
            a, b = numbers(numpy.round(a, 0)), numbers(numpy.round(b, 0))
        method = "asymptotic" if tied or n > 60 else "exact"
        two.append(
            {
                "a": a,
                "b": b,
                "shift": float(numpy.median([y - x for x in a for y in b])),
                "p": float(stats.mannwhitneyu(a, b, method=method).pvalue),
                "interval": shift_interval(a, b, 0.05) if n + m <= 16 else "not computed",
            }
        )
    for n in (4, 10, 25):
        values = numbers(generator.exponential(size=n))
        seed = int(generator.integers(1, 2**31))
        many.append(
            {"values": values, "seed": seed, "interval": bootstrap(values, 400, seed, 0.1)}
        )
    dealt = []
    for n, m in ((2, 3), (4, 4), (6, 6), (7, 6), (8, 8)):
        a = numbers(numpy.round(generator.normal(size=n) * 2))
        b = numbers(numpy.round(generator.normal(1, 1, size=m) * 2))
        dealt.append({"a": a, "b": b, "p": permutation(a, b)})
    p = [numbers(generator.uniform(size=n) ** 3) for n in (1, 4, 12)] + [[0.01, 0.01, 0.5, 1.0]]
    json.dump(
        {
            "one": one,
            "two": two,
            "bootstrap": many,
            "permutation": dealt,
            "normal": [
                {"probability": q, "z": float(stats.norm.isf(q))} for q in (0.5, 0.25, 0.025, 1e-6)
            ],
            "adjust": [{"p": values, "adjusted": adjusted(values)} for values in p],
        },
        sys.stdout,
        indent=1,
    )
    print()


main()
