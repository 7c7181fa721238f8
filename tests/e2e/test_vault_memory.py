"""A paper larger than the vault may ever be: deposited, checked, read and exported in memory that does not grow with it."""

import hashlib
import os
import random
import re
import unittest

import suite
from test_vault import VaultCase

BLOCK = 1 << 20
MOST = 300_000_000  # bytes that relais-vault may have held at any instant


def write_paper(path, size):
    """Writes a text of so many bytes, whole blocks, that is recognised as a PDF; its SHA-256."""
    rest = random.Random(1).randbytes(BLOCK - 16)
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        for number in range(size // BLOCK):
            block = (b"%PDF-1.7\n" + number.to_bytes(7, "big")) + rest
            out.write(block)
            digest.update(block)
    return digest.digest()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(BLOCK), b""):
            digest.update(block)
    return digest.digest()


@unittest.skipIf(suite.preset() in ("asan", "tsan"), "a sanitizer keeps memory of its own")
class MemoryTest(VaultCase):
    SIZE = 384 * BLOCK

    def peak(self):
        """The most that relais-vault has held since it was started, in bytes."""
        status = suite.read("/proc/%d/status" % self.suite.pid("vault")).decode()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M).group(1)) * 1024

    def test_a_large_paper_is_never_held_whole(self):
        self.assertGreater(self.SIZE, MOST, "held whole it would be seen")
        handle, _ = self.person()
        self.assertLess(self.peak(), MOST)
        paper = self.suite.file("large.pdf")
        sha256 = write_paper(paper, self.SIZE)
        made = self.relais("document", "put", handle, paper, "--type", "lease", "--title", "Bail")
        document = made["document"]["documentId"]
        os.remove(paper)
        self.assertLess(self.peak(), MOST, "deposited")
        self.assertEqual(self.code("document", "verify", handle, document), 0)
        self.assertLess(self.peak(), MOST, "checked")
        copy = self.suite.file("copy.pdf")
        self.relais("document", "get", handle, document, copy)
        self.assertEqual((os.path.getsize(copy), sha256_of(copy)), (self.SIZE, sha256))
        os.remove(copy)
        self.assertLess(self.peak(), MOST, "read")
        archive = self.suite.file("papers.tar")
        self.assertEqual(self.relais("document", "export", handle, archive)["documents"], 1)
        self.assertGreater(os.path.getsize(archive), self.SIZE)
        self.assertLess(self.peak(), MOST, "exported")


if __name__ == "__main__":
    unittest.main()
