"""Examples in the documentation that are marked with `<!-- run -->` work as they stand.

A marked fenced block (```sh or ```console) is run by bash -e at the top of the repository. In it, $DIR is a folder of
its own that does not exist yet; a suite that a block starts there is stopped afterwards. Blocks of one file run in
order, in the same $DIR and shell. Lines that start with `#> ` are what the command before them prints; `…` stands for
any text.
"""

import glob
import os
import re
import shutil
import tempfile
import unittest

import suite

BLOCK = re.compile(r"<!-- run -->\s*\n```(?:sh|console|bash)\n(.*?)\n```", re.DOTALL)
SEPARATOR = "@@@ example %d"


def documents():
    return sorted([os.path.join(suite.ROOT, "README.md")] + glob.glob(os.path.join(suite.ROOT, "docs", "*.md")))


def examples(text):
    """(commands, expected output lines) of each step: what to run, then what it prints."""
    steps = []
    for block in BLOCK.findall(text):
        commands, expected = [], []
        for line in block.splitlines():
            if line.startswith("#>"):
                expected.append(line[2:].strip())
                continue
            if expected:
                steps.append(("\n".join(commands), expected))
                commands, expected = [], []
            commands.append(line[2:] if line.startswith("$ ") else line)
        steps.append(("\n".join(commands), expected))
    return steps


def matches(expected, printed):
    pattern = ".*".join(map(re.escape, expected.split("…")))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


class DocsTest(unittest.TestCase):
    def test_examples(self):
        for path in documents():
            if not os.path.exists(path):
                continue
            with open(path, encoding="utf-8") as file:
                steps = examples(file.read())
            if steps:
                with self.subTest(os.path.basename(path)):
                    self.check(steps)

    def check(self, steps):
        base = tempfile.mkdtemp(prefix="relais-docs-")
        directory = os.path.join(base, "suite")
        script = "\n".join("echo '%s'\n%s" % (SEPARATOR % i, commands) for i, (commands, _) in enumerate(steps))
        try:
            done = suite.run(["bash", "-euo", "pipefail", "-c", script], cwd=suite.ROOT,
                             env=dict(os.environ, DIR=directory, RELAIS_PRESET=suite.preset()))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            for i, (commands, expected) in enumerate(steps):
                _, _, rest = done.stdout.partition((SEPARATOR % i) + "\n")
                printed = rest.partition(SEPARATOR % (i + 1))[0].strip()
                self.assertTrue(not expected or matches("\n".join(expected), "\n".join(
                    line.strip() for line in printed.splitlines())), "%s\nprinted:\n%s" % (commands, printed))
        finally:
            if os.path.isdir(directory):
                suite.run([os.path.join(suite.ROOT, "scripts", "down.sh"), directory])
            shutil.rmtree(base, ignore_errors=True)


class ExamplesTest(unittest.TestCase):
    def test_reading(self):
        text = "<!-- run -->\n```sh\necho a\n#> a\necho b\n#> …\n```\n```sh\necho not run\n```\n"
        self.assertEqual(examples(text), [("echo a", ["a"]), ("echo b", ["…"])])
        self.assertTrue(matches("a … c", "a b c"))
        self.assertFalse(matches("a … c", "a b d"))


if __name__ == "__main__":
    unittest.main()
