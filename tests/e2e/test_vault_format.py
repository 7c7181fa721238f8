"""The vault's formats as docs/formats.md has them: the reader against the golden files whose digests the suite's own code must make, and
against everything that may be done to a file."""

import hashlib
import io
import json
import os
import re
import struct
import tarfile
import unittest

import vault_format
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = os.path.dirname(os.path.abspath(__file__))
FORMATS = os.path.join(HERE, "..", "..", "docs", "formats.md")
KEY = b"k" * 32
CONTEXT = vault_format.document_context(b"\1" * 16, b"\2" * 16, 3)
GOLDEN_TEXT = bytes(7 * i % 251 for i in range(196613))


def seal(text, key=KEY, context=CONTEXT, firsts=(0,), salts=(b"s" * 32,) * 9):
    """A sealer from the same document: what the reader is held against."""
    header = b"relais\0" + bytes([1, 1, 16]) + struct.pack(">H", len(firsts))
    keys = []
    for first, salt in zip(firsts, salts):
        encryption, commitment = vault_format.run_keys(key, context, first, salt)
        header += struct.pack(">Q", first) + salt + commitment
        keys.append(AESGCM(encryption))
    chunks = []
    count = max(1, -(-len(text) // 65536))
    for i in range(count):
        run = max(r for r, first in enumerate(firsts) if first <= i)
        chunk = text[i * 65536:(i + 1) * 65536]
        chunks.append(keys[run].encrypt(vault_format.nonce(i, i + 1 == count), chunk, None))
    return header, chunks


class SealedText(unittest.TestCase):
    def test_golden_files(self):
        with open(FORMATS, encoding="utf-8") as file:
            document = file.read()
        digests = re.search(r"the file has the SHA-256 `([0-9a-f]{64})`\.\s+With one run: `([0-9a-f]{64})`", document)
        for firsts, digest in (((0, 2), digests[1]), ((0,), digests[2])):
            header, chunks = seal(GOLDEN_TEXT, firsts=firsts)
            data = header + b"".join(chunks)
            self.assertEqual(hashlib.sha256(data).hexdigest(), digest)
            self.assertEqual(vault_format.open_text(data, KEY, CONTEXT), GOLDEN_TEXT)

    def test_sizes_around_the_edges(self):
        for size in (0, 1, 65535, 65536, 65537, 131072, 131073):
            header, chunks = seal(GOLDEN_TEXT[:size])
            data = header + b"".join(chunks)
            self.assertEqual(len(data), 84 + size + 16 * max(1, -(-size // 65536)))
            self.assertEqual(vault_format.open_text(data, KEY, CONTEXT), GOLDEN_TEXT[:size])

    def refused(self, data, key=KEY, context=CONTEXT):
        with self.assertRaises(vault_format.Refused):
            vault_format.open_text(data, key, context)

    def test_every_byte_and_every_cut_of_a_small_file(self):
        header, chunks = seal(b"bail")
        data = header + b"".join(chunks)
        for i in range(len(data)):
            self.refused(data[:i])
            self.refused(data[:i] + bytes([data[i] ^ 1]) + data[i + 1:])
        self.refused(data + b"\0")

    def test_order_splices_and_others_texts(self):
        header, chunks = seal(GOLDEN_TEXT, firsts=(0, 2))
        other_header, other = seal(GOLDEN_TEXT, firsts=(0, 2), salts=(b"t" * 32,) * 2)
        self.assertEqual(len(chunks), 4)
        for order in ((1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3), (0, 1, 2), (0, 1, 2, 2, 3), (3,), (0, 1)):
            self.refused(header + b"".join(chunks[i] for i in order))
        for i in range(4):
            self.refused(header + b"".join(other[j] if j == i else chunks[j] for j in range(4)))
        data = header + b"".join(chunks)
        self.refused(other_header + b"".join(chunks))
        self.refused(data, key=b"l" * 32)
        for context in (vault_format.document_context(b"\3" * 16, b"\2" * 16, 3),
                        vault_format.document_context(b"\1" * 16, b"\3" * 16, 3),
                        vault_format.document_context(b"\1" * 16, b"\2" * 16, 4),
                        vault_format.export_context(b"\1" * 16)):
            self.refused(data, context=context)
        # A run behind the end.
        late, _ = seal(GOLDEN_TEXT, firsts=(0, 2, 9))
        self.refused(late + b"".join(chunks))


class Export(unittest.TestCase):
    EXPORT_ID = b"\5" * 16

    def archive(self, change=None, last=("manifest.json",)):
        files = {"LISEZMOI.txt": "Vos papiers.".encode(), "documents/001 Bail.pdf": GOLDEN_TEXT,
                 "receipts/%s-1.json" % ("02" * 16): b"{}"}
        entries = [{"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                   for path, data in files.items()]
        manifest = {"format": "relais-vault-export/1", "export_id": self.EXPORT_ID.hex(), "files": entries,
                    "documents": [{"document_id": "02" * 16, "path": entries[1]["path"], "size": entries[1]["size"],
                                   "sha256": entries[1]["sha256"], "receipt": entries[2]["path"]}]}
        if change:
            change(files, manifest)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, data in list(files.items()) + [(name, json.dumps(manifest).encode()) for name in last]:
                entry = tarfile.TarInfo(path)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return out.getvalue()

    def read(self, data, key=None):
        got = {}
        manifest = vault_format.read_export(io.BytesIO(data), key,
                                            lambda path, part: got.update({path: got.get(path, b"") + part}))
        self.assertEqual(got["documents/001 Bail.pdf"], GOLDEN_TEXT)
        return manifest

    def test_in_clear(self):
        self.assertEqual(len(self.read(self.archive())["documents"]), 1)

    def test_sealed(self):
        header, chunks = seal(self.archive(), context=vault_format.export_context(self.EXPORT_ID))
        key = "relais-vault-export-key/1\n%s %s\n" % (self.EXPORT_ID.hex(), KEY.hex())
        data = header + b"".join(chunks)
        self.read(data, key)
        for broken in (data[:-1], data[:-len(chunks[-1])], data[:200] + bytes([data[200] ^ 1]) + data[201:]):
            with self.assertRaises(vault_format.Refused):
                self.read(broken, key)
        with self.assertRaises(vault_format.Refused):
            self.read(data, key.replace("05" * 16, "06" * 16))

    def test_what_the_manifest_does_not_say_is_refused(self):
        changes = {
            "another text": lambda files, _: files.update({"documents/001 Bail.pdf": b"other"}),
            "a file more": lambda files, _: files.update({"more.txt": b""}),
            "a file less": lambda files, _: files.pop("LISEZMOI.txt"),
            "another hash": lambda _, manifest: manifest["documents"][0].update(sha256="0" * 64),
            "no receipt": lambda _, manifest: manifest["documents"][0].update(receipt="receipts/none.json"),
            "another format": lambda _, manifest: manifest.update(format="relais-vault-export/2"),
            "out of the folder": lambda files, _: files.update({"../up": b""}),
        }
        for what, change in changes.items():
            with self.subTest(what), self.assertRaises(vault_format.Refused):
                self.read(self.archive(change))
        for last in ((), ("manifest.json", "after")):
            with self.assertRaises(vault_format.Refused):
                self.read(self.archive(last=last))
        whole = self.archive()
        for cut in (512, 5000, len(GOLDEN_TEXT)):
            with self.assertRaises(vault_format.Refused):
                self.read(whole[:cut])


if __name__ == "__main__":
    unittest.main()
