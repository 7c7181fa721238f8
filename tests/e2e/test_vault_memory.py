"""A paper larger than the vault may ever be, and many streams that stand still at once: deposited, checked, read and exported in
memory that grows with neither."""

import hashlib
import json
import os
import random
import re
import shutil
import sys
import threading
import unittest

import grpc

import suite
from test_vault import CAF, CITY, PIECE, VaultCase

BLOCK = 1 << 20
MOST = 300_000_000  # bytes that relais-vault may have held at any instant, and the command likewise

# Runs a command and writes to a file the most that it held, in bytes. In a process of its own: what is measured of a child
# counts what held whoever started it.
MEASURE = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(code)
"""


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


class MemoryCase(VaultCase):
    def peak(self):
        """The most that relais-vault has held since it was started, in bytes."""
        status = suite.read("/proc/%d/status" % self.suite.pid("vault")).decode()
        return int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M).group(1)) * 1024

    def within(self, *arguments):
        """What the command says, which held less than MOST all the time."""
        held = self.suite.file("held-" + suite.new_id())
        relais = shutil.which("relais", path=self.suite.env["PATH"])
        done = suite.run([sys.executable, "-c", MEASURE, held, relais, "--as", CITY, "--json", *arguments],
                         env=self.suite.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        peak = int(suite.read(held))
        self.assertGreater(peak, BLOCK, "it was measured")
        self.assertLess(peak, MOST, "the command: " + " ".join(arguments[:2]))
        return json.loads(done.stdout)


@unittest.skipIf(suite.preset() in ("asan", "tsan"), "a sanitizer keeps memory of its own")
class MemoryTest(MemoryCase):
    SIZE = 384 * BLOCK

    def test_a_large_paper_is_never_held_whole(self):
        self.assertGreater(self.SIZE, MOST, "held whole it would be seen")
        handle, _ = self.person()
        self.assertLess(self.peak(), MOST)
        paper = self.suite.file("large.pdf")
        sha256 = write_paper(paper, self.SIZE)
        made = self.within("document", "put", handle, paper, "--type", "lease", "--title", "Bail")
        document = made["document"]["documentId"]
        os.remove(paper)
        self.assertLess(self.peak(), MOST, "deposited")
        self.assertEqual(self.code("document", "verify", handle, document), 0)
        self.assertLess(self.peak(), MOST, "checked")
        copy = self.suite.file("copy.pdf")
        self.within("document", "get", handle, document, copy)
        self.assertEqual((os.path.getsize(copy), sha256_of(copy)), (self.SIZE, sha256))
        os.remove(copy)
        self.assertLess(self.peak(), MOST, "read")
        archive = self.suite.file("papers.tar")
        self.assertEqual(self.within("document", "export", handle, archive)["documents"], 1)
        self.assertGreater(os.path.getsize(archive), self.SIZE)
        self.assertLess(self.peak(), MOST, "exported")
        self.assertTrue(self.within("document", "check-export", archive)["verified"])


@unittest.skipIf(suite.preset() in ("asan", "tsan"), "a sanitizer keeps memory of its own")
class ManyStreamsTest(MemoryCase):
    """As many as the vault takes at once (ADR 81): half of the streams are one institution's."""
    SIZE = 96 * BLOCK
    EACH = 64  # streams of one institution
    READERS = 32
    PERSONS = 2
    UPLOADS = 16  # of each: as many as may be under way in one vault
    COMMIT = 8  # pieces of a stream that one commit takes at most
    SENT = COMMIT + 3  # the last three wait in the vault for the rest of theirs, or are committed at once

    def setUp(self):
        self.service = suite.pb("vault/v1/document_service")
        self.types = suite.pb("common/v1/types")
        self.client = self.suite.client(CITY)
        self.piece = random.Random(2).randbytes(PIECE)

    def connect(self, acting=CITY):
        """The vault over a connection of its own."""
        channel = self.suite.open("vault", self.suite.credentials(acting))
        self.addCleanup(channel.close)
        return suite.stub(channel, "vault/v1/document_service", "DocumentService")

    def start_reading(self, handle, document, acting=CITY):
        stream = self.connect(acting).Download(self.service.DownloadRequest(
            person=self.types.PersonRef(handle=handle), document_id=document), timeout=120,
            metadata=self.suite.client(acting).metadata)
        self.addCleanup(stream.cancel)
        return stream

    def read_a_little(self, handle, document, acting=CITY):
        """A reading that has taken its first message and takes no more until it is asked to."""
        stream = self.start_reading(handle, document, acting)
        self.assertEqual(next(stream).start.length, self.SIZE)
        return stream

    def begin(self, handle):
        description = suite.pb("vault/v1/document")
        return self.client.call("vault", "DocumentService", "BeginUpload", self.service.BeginUploadRequest(
            request_id=suite.new_id(), person=self.types.PersonRef(handle=handle), size=self.SIZE,
            description=description.Description(type=description.DOCUMENT_TYPE_LEASE, title="Bail"))).upload.upload_id

    def committed(self, handle, upload):
        return self.client.call("vault", "DocumentService", "QueryUpload", self.service.QueryUploadRequest(
            person=self.types.PersonRef(handle=handle), upload_id=upload)).upload.committed

    def send_a_little(self, handle):
        """(an upload's answer to come, what lets its client end the stream): SENT pieces went, and the stream stays open."""
        upload = self.begin(handle)
        end = threading.Event()
        self.addCleanup(end.set)

        def messages():
            yield self.service.UploadRequest(open=self.service.UploadOpen(
                person=self.types.PersonRef(handle=handle), upload_id=upload, offset=0))
            for _ in range(self.SENT):
                yield self.service.UploadRequest(data=self.piece)
            end.wait(120)
        answer = self.connect().Upload.future(messages(), timeout=120, metadata=self.client.metadata)
        self.addCleanup(answer.cancel)
        suite.wait_for("its first commit", lambda: self.committed(handle, upload) >= self.COMMIT * PIECE, pause=0.05)
        return answer, end

    def deposit(self, handle):
        """(a paper of SIZE bytes, its SHA-256)"""
        paper = self.suite.file("read.pdf")
        sha256 = write_paper(paper, self.SIZE)
        made = self.relais("document", "put", handle, paper, "--type", "lease", "--title", "Bail")
        os.remove(paper)
        return made["document"]["documentId"], sha256

    def check_full(self, handle, document, acting):
        """One more is refused, and said to be worth another try."""
        self.refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", next,
                     self.start_reading(handle, document, acting))

    def test_as_many_streams_as_there_may_be_stand_still(self):
        self.assertGreater(self.READERS * self.SIZE, 10 * MOST, "held for readers they would be seen")
        self.assertGreater(self.PERSONS * self.UPLOADS * self.SIZE, 10 * MOST, "reserved they would be seen")
        self.assertEqual(self.READERS + self.PERSONS * self.UPLOADS, self.EACH)
        persons = [self.person()[0] for _ in range(self.PERSONS)]
        document, sha256 = self.deposit(persons[0])
        _, _, there = self.share(persons[0], document)
        self.assertLess(self.peak(), MOST, "deposited")
        readings = [self.read_a_little(persons[0], document) for _ in range(self.READERS)]
        self.assertLess(self.peak(), MOST, "readers")
        sendings = [self.send_a_little(handle) for handle in persons for _ in range(self.UPLOADS)]
        self.assertLess(self.peak(), MOST, "readers and uploads")
        self.check_full(persons[0], document, CITY)
        theirs = [self.read_a_little(there, document, CAF) for _ in range(self.EACH)]
        self.assertLess(self.peak(), MOST, "readers, uploads and another's readers")
        self.check_full(there, document, CAF)

        # All of them were alive all the time: they go on where they stood.
        self.assertFalse(any(answer.done() for answer, _ in sendings))
        first = [next(stream).data for stream in readings + theirs]
        self.assertEqual({len(data) for data in first}, {PIECE})
        for stream, data in ((readings[0], first[0]), (theirs[-1], first[-1])):
            digest = hashlib.sha256(data)
            for message in stream:
                digest.update(message.data)
            self.assertEqual(digest.digest(), sha256)
        for answer, end in sendings:
            end.set()
            self.assertEqual(answer.result(timeout=60).upload.committed, self.SENT * PIECE)
        self.assertLess(self.peak(), MOST, "went on")


if __name__ == "__main__":
    unittest.main()
