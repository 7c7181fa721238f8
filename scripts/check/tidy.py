#!/usr/bin/env python3
"""clang-tidy over every source that is no test: scripts/check/tidy.py [FILE...]   (after the release build)

One process per core. A file is skipped when it and every file it includes are, to the byte, what they were when
clang-tidy of this version last found nothing in it; what that was is kept under build/tidy. Nothing else is remembered:
on a fresh machine all files are looked at.

Most of the time goes to headers, so sources that are compiled alike are looked at together, as one that includes them
(ADR 14). Those whose local names meet are kept apart; what does not compile together is looked at alone.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
CLEAN = ROOT / "build" / "tidy"
TOGETHER = ROOT / "build" / "tidy-together"
MOST_TOGETHER = 16


def lines_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def sources():
    names = lines_of("git", "ls-files", "--cached", "--others", "--exclude-standard", "common/*.cc", "services/*.cc")
    return [name for name in names if not name.endswith("_test.cc") and "/testing/" not in name]


def inputs_by_source():
    """What the compiler read for each source, as Ninja has it from its last build."""
    inputs, reading, resolved = {}, [], {}
    for line in lines_of("ninja", "-C", str(BUILD), "-t", "deps"):
        if not line.startswith(" "):
            reading = []
            continue
        if line not in resolved:
            resolved[line] = (BUILD / line.strip()).resolve()
        reading.append(resolved[line])
        if len(reading) == 1:  # the source itself is first
            inputs[reading[0]] = reading
    return inputs


class Hasher:
    def __init__(self):
        self.known = {}
        tidy = "\n".join(lines_of("clang-tidy", "--version"))
        self.start = tidy.encode() + (ROOT / ".clang-tidy").read_bytes()

    def exists(self, path):
        return path in self.known or path.is_file()

    def file(self, path):
        if path not in self.known:
            self.known[path] = str(path).encode() + hashlib.sha256(path.read_bytes()).digest()
        return self.known[path]

    def all(self, paths):
        whole = hashlib.sha256(self.start)
        for path in paths:
            whole.update(self.file(path))
        return whole.hexdigest()


def local_names(text):
    """What the unnamed namespaces of a source declare, an alias with its target, all else with itself."""
    names = {"main": text} if re.search(r"^int main\(", text, re.MULTILINE) else {}
    for body in re.findall(r"^namespace \{$(.*?)^\}  // namespace$", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^[A-Za-z\[].*$", body, re.MULTILINE):
            alias = re.match(r"using (?:[\w:]*::)?(\w+);|(?:using|namespace) (\w+) = [\w:]+;", line)
            kind = re.match(r"(?:class|struct|enum(?: class)?) (?:\[\[\w+\]\] )?(\w+)", line)
            if alias:
                names[alias.group(1) or alias.group(2)] = line
            elif kind:
                names[kind.group(1)] = text
            elif not line.startswith("template"):
                line = re.sub(r"\[\[.*?\]\]", "", line)
                while (shorter := re.sub(r"<[^<>]*>", "", line)) != line:  # arguments of templates, from the inmost
                    line = shorter
                words = re.findall(r"\w+", re.split(r"[({;=]", line)[0])
                names[words[-1] if words else line] = text
    return names


def clash(one, other):
    return any(one[name] != other[name] for name in one.keys() & other.keys())


def arguments():
    """How each source is compiled, without its own name and that of its object."""
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        words = words[next(i for i, word in enumerate(words) if word.startswith("-")):words.index("-o")]
        found[pathlib.Path(entry["file"])] = tuple(words)
    return found


def together(names):
    """The sources in groups; a large one after the other, so that the processes end at about the same time."""
    how, groups = arguments(), []
    for name in names:
        own = local_names((ROOT / name).read_text())
        for group in groups:
            if (len(group["names"]) < MOST_TOGETHER and group["how"] == how[ROOT / name]
                    and not any(clash(own, other) for other in group["own"])):
                group["names"].append(name)
                group["own"].append(own)
                break
        else:
            groups.append({"how": how[ROOT / name], "names": [name], "own": [own]})
    return sorted(groups, key=lambda group: -len(group["names"]))


def run(source, options, compiler):
    done = subprocess.run(["clang-tidy", "--quiet", *options, str(source), *compiler], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.returncode == 0, done.stdout + ("" if done.returncode == 0 else done.stderr)


def look_at(group):
    """Names of files that are clean for sure, and what was found."""
    names = group["names"]
    if len(names) > 1:
        text = "".join(f'#include "{ROOT / name}"\n' for name in names)
        # The analyzer follows the functions of included sources in a file of this name only.
        source = TOGETHER / f"UnifiedSource-{hashlib.sha256(text.encode()).hexdigest()[:16]}.cc"
        source.write_text(text)
        clean, output = run(source, ["--checks=-bugprone-suspicious-include"], ["--", *group["how"]])
        if clean:
            source.unlink()
            return names, ""
        if "clang-diagnostic-" not in output:
            return [], output
    clean, outputs = [], []
    for name in names:
        good, output = run(name, ["-p", str(BUILD)], [])
        if good:
            clean.append(name)
        else:
            outputs.append(output)
    return clean, "".join(outputs)


def main(names):
    inputs, hasher = inputs_by_source(), Hasher()
    CLEAN.mkdir(parents=True, exist_ok=True)
    TOGETHER.mkdir(parents=True, exist_ok=True)
    todo, marks = [], {}
    for name in names or sources():
        path = ROOT / name
        if not all(map(hasher.exists, inputs.get(path, [path / "unknown"]))):
            sys.exit(f"tidy: {name} is not part of the release build, or that build is not up to date")
        marks[name] = CLEAN / hasher.all(inputs[path])
        if not marks[name].exists():
            todo.append(name)
    groups = together(todo)
    print(f"tidy: {len(todo)} files to look at in {len(groups)} groups, {len(marks) - len(todo)} unchanged since they "
          "were clean", flush=True)
    failed, started = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for group, (clean, output) in zip(groups, pool.map(look_at, groups)):
            for name in clean:
                marks[name].touch()
            if output:
                failed.append(group)
                print(f"{' '.join(group['names'])}:\n{output}", flush=True)
    # Marks of what files once were.
    if not names:
        for mark in set(CLEAN.iterdir()) - set(marks.values()):
            mark.unlink()
    print(f"tidy: {len(failed)} groups with findings; {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
