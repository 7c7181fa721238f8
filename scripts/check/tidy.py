#!/usr/bin/env python3
"""clang-tidy over every source that is no test: scripts/check/tidy.py [FILE...]   (after the release build)

One process per core. A file is skipped when it and every file it includes are, to the byte, what they were when
clang-tidy of this version last found nothing in it; what that was is kept under build/tidy. Nothing else is remembered:
on a fresh machine all files are looked at.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
CLEAN = ROOT / "build" / "tidy"


def lines_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def sources():
    names = lines_of("git", "ls-files", "--cached", "--others", "--exclude-standard", "common/*.cc", "services/*.cc")
    return [name for name in names if not name.endswith("_test.cc") and "/testing/" not in name]


def inputs_by_source():
    """What the compiler read for each source, as Ninja has it from its last build."""
    inputs, reading = {}, []
    for line in lines_of("ninja", "-C", str(BUILD), "-t", "deps"):
        if not line.startswith(" "):
            reading = []
            continue
        reading.append((BUILD / line.strip()).resolve())
        if len(reading) == 1:  # the source itself is first
            inputs[reading[0]] = reading
    return inputs


class Hasher:
    def __init__(self):
        self.known = {}
        tidy = "\n".join(lines_of("clang-tidy", "--version"))
        self.start = tidy.encode() + (ROOT / ".clang-tidy").read_bytes()

    def file(self, path):
        if path not in self.known:
            self.known[path] = hashlib.sha256(path.read_bytes()).digest()
        return self.known[path]

    def all(self, paths):
        whole = hashlib.sha256(self.start)
        for path in paths:
            whole.update(str(path).encode() + self.file(path))
        return whole.hexdigest()


def look_at(name):
    done = subprocess.run(["clang-tidy", "--quiet", "-p", str(BUILD), name], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main(names):
    inputs, hasher = inputs_by_source(), Hasher()
    CLEAN.mkdir(parents=True, exist_ok=True)
    todo, marks = [], {}
    for name in names or sources():
        path = ROOT / name
        if path not in inputs:
            sys.exit(f"tidy: {name} is not part of the release build, or that build is not up to date")
        marks[name] = CLEAN / hasher.all(inputs[path])
        if not marks[name].exists():
            todo.append(name)
    print(f"tidy: {len(todo)} files to look at, {len(marks) - len(todo)} unchanged since they were clean", flush=True)
    failed, started = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, (clean, output) in zip(todo, pool.map(look_at, todo)):
            if clean:
                marks[name].touch()
            else:
                failed.append(name)
                print(f"{name}:\n{output}", flush=True)
    # Marks of what files once were.
    if not names:
        for mark in set(CLEAN.iterdir()) - set(marks.values()):
            mark.unlink()
    print(f"tidy: {len(failed)} files with findings; {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
