#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What many processes ask of a provider, in requests that reach it.

    fleet.py [--json] [--rounds N]

keys.herd_requests, keys.herd_failures: 1000 processes that miss at once, with a cold cache.
keys.flood_requests: 10 000 tokens with invented kids, all within one cooldown, with a warm one.

Library, helper, cache and server are those of tests/fetch (JWTAUTH_BUILD is the build). Each figure
is the largest of the rounds: a goal that is met on the average is not met.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "fetch"))
from world import Site, World, enter_namespace, fill_namespace  # noqa: E402

PROCESSES = 1000
KIDS = 10000
WORKERS = 16


def run(site, step):
    """The numbers that the driver's one step prints."""
    line, log = site.one(step)
    word, *numbers = line.split() or [""]
    if word != step.split("=")[0]:
        raise SystemExit(f"fleet.py: {step}: {line}\n{log}")
    return [int(number) for number in numbers]


def herd(world):
    """Requests, and processes without a key."""
    world.reset()
    good, failed, _ = run(Site(world), f"herd={PROCESSES},k1")
    if good + failed != PROCESSES:
        raise SystemExit(f"fleet.py: {good} + {failed} processes answered, not {PROCESSES}")
    return world.server.count(), failed


def flood(world):
    """Requests. The driver's clock stands still, so that the cooldown does not end meanwhile."""
    world.reset()
    site = Site(world)
    now = int(time.time())
    site.run(f"get={now}")
    world.server.forget()
    found, refused = run(site, f"flood={KIDS},{WORKERS},{now + 1}")
    if (found, refused) != (0, KIDS):
        raise SystemExit(f"fleet.py: {found} invented kids found, {refused} refused")
    return world.server.count()


def report(options, name, values, unit, goal):
    value, good = max(values), max(values) <= goal
    if options.json:
        print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "ok": good,
                          "rounds": len(values)}, separators=(",", ":")), flush=True)
    else:
        print(f"{name:<26} {value:>7}  <={goal:<5} {'yes' if good else 'NO':<4} "
              f"{unit:>23} {len(values):>7}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    enter_namespace()
    fill_namespace()
    with tempfile.TemporaryDirectory(prefix="jwtauth-fleet-") as folder:
        world = World(folder)
        herds = [herd(world) for _ in range(options.rounds)]
        report(options, "keys.herd_requests", [asked for asked, _ in herds], "requests", 1)
        report(options, "keys.herd_failures", [failed for _, failed in herds], "processes", 0)
        floods = [flood(world) for _ in range(options.rounds)]
        report(options, "keys.flood_requests", floods, "requests", 1)


main()
