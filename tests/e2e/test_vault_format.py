"""The vault's formats as docs/formats.md has them: the reader against the golden files whose digests the suite's own code must make, and
against everything that may be done to a file, an archive or a receipt."""

import base64
import copy
import datetime
import hashlib
import io
import json
import os
import re
import struct
import tarfile
import unittest

import c2sp
import vault_format
import vault_receipts
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = os.path.dirname(os.path.abspath(__file__))
FORMATS = os.path.join(HERE, "..", "..", "docs", "formats.md")
PROTO = os.path.join(HERE, "..", "..", "proto", "relais")
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


def text_of(*names):
    with open(os.path.join(*names), encoding="utf-8") as file:
        return file.read()


class Log:
    """A log of one's own, from the same document: leaves of papers and receipts of them."""

    def __init__(self, origin="relais.test/vault/1", seed=b"1" * 32):
        self.origin, self.signer, self.leaves = origin, ed25519.Ed25519PrivateKey.from_private_bytes(seed), []
        public = self.signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key = c2sp.Key(c2sp.vkey(origin, c2sp.ED25519, public))

    @staticmethod
    def field(number, value):
        def varint(number):
            return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)
        if isinstance(value, int):
            return varint(number << 3) + varint(value) if value else b""
        return varint(number << 3 | 2) + varint(len(value)) + value if value else b""

    def append(self, event, payload, fields):
        """Index of a new leaf."""
        number = len(self.leaves)
        random, leaf_key = bytes([number]) * 16, bytes([100 + number]) * 32
        data = b"".join(self.field(each, value) for each, value in fields)
        packed = self.field(1, b"type.googleapis.com/relais.vault.v1." + payload) + self.field(2, data)
        keys = vault_receipts.hkdf_sha256(leaf_key, random, b"relais aead v1", 64)
        sealed = keys[32:] + AESGCM(keys[:32]).encrypt(bytes(12), self.field(6, packed), b"\1" + random)
        time = 1794301200000000 + number
        leaf = b"\1" + struct.pack(">Q", time) + random
        for part in (self.field(1, event), sealed, b"R"):
            leaf += struct.pack(">I", len(part)) + part
        self.leaves.append((leaf, leaf_key, time))
        return number

    def deposit(self, document, version, text):
        return self.append(401, b"DocumentDeposited", (
            (1, document.encode()), (2, version), (3, 6), (4, len(text)), (5, b"SHA-256"),
            (6, hashlib.sha256(text).digest()), (7, b"text/plain"), (8, self.field(1, b"ville-paris")), (9, 2)))

    def destruction(self, document):
        version = b"".join(self.field(*each) for each in ((1, 1), (2, 5), (3, b"SHA-256"), (4, b"h" * 32), (5, b"text/plain")))
        return self.append(408, b"DocumentDestroyed", ((1, document.encode()), (2, 6), (3, version), (4, b"HERS"), (6, 7)))

    def export(self, export_id, archive, texts=1, unreadable=0):
        """The end of one."""
        return self.append(412, b"VaultExported", (
            (1, export_id.encode()), (2, 1), (5, hashlib.sha256(archive).digest()), (6, hashlib.sha256(archive).digest()),
            (7, len(archive)), (8, texts), (11, unreadable)))

    def checkpoint(self):
        root = c2sp.tree_root([c2sp.leaf_hash(leaf) for leaf, _, _ in self.leaves])
        text = "%s\n%d\n%s\n" % (self.origin, len(self.leaves), base64.b64encode(root).decode())
        signature = base64.b64encode(self.key.id + self.signer.sign(text.encode())).decode()
        return "%s\n\u2014 %s %s\n" % (text, self.origin, signature)

    def path(self, index, hashes):
        if len(hashes) == 1:
            return []
        k = 1
        while k * 2 < len(hashes):
            k *= 2
        if index < k:
            return self.path(index, hashes[:k]) + [c2sp.tree_root(hashes[k:])]
        return self.path(index - k, hashes[k:]) + [c2sp.tree_root(hashes[:k])]

    def receipt(self, index, act, identity):
        def text(data):
            return base64.b64encode(data).decode()
        leaf, leaf_key, time = self.leaves[index]
        hashes = [c2sp.leaf_hash(each) for each, _, _ in self.leaves]
        when = datetime.datetime.fromtimestamp(time // 1000000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        part = ("%06d" % (time % 1000000)).rstrip("0")
        return {"format": "relais-receipt/1", "fr": "Un papier", "en": "A paper", "act": act,
                "time": when + ("." + part if part else "") + "+00:00",
                "revision": "%s:%d" % (self.origin, len(self.leaves)), "id": identity,
                "proof": {"origin": self.origin, "leafIndex": str(index), "leaf": text(leaf),
                          "treeSize": str(len(self.leaves)), "inclusion": [text(each) for each in self.path(index, hashes)],
                          "checkpoint": self.checkpoint(), "leafKey": text(leaf_key)}}


class Keys(unittest.TestCase):
    def test_golden_keys_of_every_level(self):
        line, person, version, mark = re.search(
            r"\n(vault-epoch 1 \S+)\n([0-9a-f]{218})\n([0-9a-f]{218})\n([0-9a-f]{64})\n", text_of(FORMATS)).groups()
        name, epoch, key = vault_format.open_ring_line(b"m" * 32, line)
        self.assertEqual((name, epoch, key), ("vault-epoch", 1, b"e" * 32))
        person_key = vault_format.open_person_key({epoch: key}, b"\1" * 16, 1, bytes.fromhex(person))
        self.assertEqual(person_key, b"p" * 32)
        text_key = vault_format.open_version_key({1: person_key}, b"\1" * 16, b"\2" * 16, 3, bytes.fromhex(version))
        self.assertEqual(text_key, b"v" * 32)
        self.assertEqual(vault_format.duplicate_mark(person_key, b"h" * 32).hex(), mark)
        for other in ((b"\3" * 16, b"\2" * 16, 3), (b"\1" * 16, b"\3" * 16, 3), (b"\1" * 16, b"\2" * 16, 4)):
            with self.assertRaises(vault_format.Refused):
                vault_format.open_version_key({1: person_key}, *other, bytes.fromhex(version))


class Receipts(unittest.TestCase):
    """A receipt proves what its leaf says to who has the log's key, and nothing else."""

    DOCUMENT = "02" * 16

    def setUp(self):
        self.log = Log()
        self.deposits = [self.log.deposit(self.DOCUMENT, version, b"text %d" % version) for version in (1, 2, 3)]
        self.destruction = self.log.destruction(self.DOCUMENT)
        self.deposit = self.log.receipt(self.deposits[1], "deposit", self.DOCUMENT + "/2")
        self.certificate = self.log.receipt(self.destruction, "destruction", self.DOCUMENT)

    def read(self, receipt, *keys):
        return vault_receipts.read_receipt(json.dumps(receipt), keys or [self.log.key])

    def refused(self, receipt, *keys):
        with self.assertRaises(vault_receipts.Refused):
            self.read(receipt, *keys)

    def test_what_is_proved(self):
        facts = self.read(self.deposit)
        self.assertEqual((facts["document_id"], facts["version"], facts["size"], facts["sha256"]),
                         (self.DOCUMENT, 2, 6, hashlib.sha256(b"text 2").digest()))
        facts = self.read(self.certificate)
        self.assertEqual((facts["document_id"], facts["cause"], facts["copies_end_with_epoch"]), (self.DOCUMENT, "HERS", 7))
        self.assertEqual([(each["version"], each["sha256"]) for each in facts["versions"]], [(1, b"h" * 32)])

    def test_only_the_logs_own_key_proves(self):
        self.refused(self.deposit, Log(seed=b"2" * 32).key)
        self.refused(self.deposit, Log(origin="relais.test/vault/2").key)
        with self.assertRaises(vault_receipts.Refused):
            vault_receipts.read_receipt(json.dumps(self.deposit), [])

    def test_every_member_counts(self):
        other = self.log.receipt(self.deposits[0], "deposit", self.DOCUMENT + "/1")
        for receipt in (self.deposit, self.certificate):
            for member in ("act", "id", "time", "revision", "format"):
                changed = copy.deepcopy(receipt)
                changed[member] = "x" + changed[member][1:]
                self.refused(changed)
                changed.pop(member)
                self.refused(changed)
            for member in ("leaf", "inclusion", "checkpoint", "leafKey", "leafIndex", "treeSize", "origin"):
                changed = copy.deepcopy(receipt)
                changed["proof"][member] = {"checkpoint": receipt["proof"]["checkpoint"].replace("\n4\n", "\n5\n"),
                                            "treeSize": "5", "origin": "relais.test/vault/2"}.get(
                                                member, other["proof"][member])
                self.refused(changed)
            self.refused(dict(receipt, more="x"))
            self.refused(dict(receipt, proof=dict(receipt["proof"], leafIndex="one")))
            self.refused(dict(receipt, proof=dict(receipt["proof"], more="x")))
        with self.assertRaises(vault_receipts.Refused):
            vault_receipts.read_receipt(json.dumps(self.deposit)[:-1] + ', "act": "deposit"}', [self.log.key])

    def test_a_leaf_of_nobodys_log_proves_nothing(self):
        forged = Log(seed=b"2" * 32)
        forged.deposit(self.DOCUMENT, 1, b"another text")
        receipt = forged.receipt(0, "deposit", self.DOCUMENT + "/1")
        self.read(receipt, forged.key)
        self.refused(receipt)

    def test_numbers_of_fields_are_those_of_the_messages(self):
        events = text_of(PROTO, "vault", "v1", "events.proto") + text_of(PROTO, "vault", "v1", "document.proto")
        leaf = text_of(PROTO, "audit", "v1", "leaf.proto")
        for number, (_, payload, names) in vault_receipts.ACTS.items():
            self.assertRegex(leaf, r"EVENT_CLASS_[A-Z_]+ = %d;" % number)
            self.of_message(events, payload.rpartition(".")[2], names)
        self.of_message(events, "DocumentVersion", vault_receipts.VERSION)

    def of_message(self, proto, name, names):
        body = re.search(r"message %s \{\n(.*?)\n\}" % name, proto, re.DOTALL).group(1)
        fields = {int(number): field for field, number in re.findall(r"(\w+) = (\d+)[; ]", body)}
        self.assertEqual({number: fields[number] for number in names}, names)


class SealedText(unittest.TestCase):
    def test_golden_files(self):
        document = text_of(FORMATS)
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

    def setUp(self):
        self.log = Log()

    def receipt(self, text=GOLDEN_TEXT, version=1):
        """Of a deposit of that text."""
        index = self.log.deposit("02" * 16, version, text)
        return json.dumps(self.log.receipt(index, "deposit", "%s/%d" % ("02" * 16, version))).encode()

    def archive(self, change=None, last=("manifest.json",)):
        files = {"LISEZMOI.txt": "Vos papiers.".encode(), "documents/001 Bail.pdf": GOLDEN_TEXT,
                 "receipts/%s-1.json" % ("02" * 16): self.receipt()}
        entries = [{"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                   for path, data in files.items()]
        manifest = {"format": "relais-vault-export/1", "export_id": self.EXPORT_ID.hex(), "files": entries,
                    "origin": self.log.origin, "size": len(self.log.leaves), "checkpoint": self.log.checkpoint(),
                    "documents": [{"document_id": "02" * 16, "version": 1, "path": entries[1]["path"], "size": entries[1]["size"],
                                   "sha256": entries[1]["sha256"], "receipt": entries[2]["path"]}],
                    "destroyed": [], "damaged": []}
        if change:
            change(files, manifest)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for path, data in list(files.items()) + [(name, json.dumps(manifest).encode()) for name in last]:
                entry = tarfile.TarInfo(path)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return out.getvalue()

    @staticmethod
    def put(files, manifest, path, data):
        """Another file in its place, and the manifest says so."""
        files[path] = data
        for entry in manifest["files"]:
            if entry["path"] == path:
                entry.update(size=len(data), sha256=hashlib.sha256(data).hexdigest())

    def read(self, data, key=None, proof=None):
        got = {}
        manifest = vault_format.read_export(io.BytesIO(data), [self.log.key], key,
                                            lambda path, part: got.update({path: got.get(path, b"") + part}), proof)
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

    def proof(self, archive, identity=None, **said):
        identity = identity or self.EXPORT_ID.hex()
        return json.dumps(self.log.receipt(self.log.export(identity, archive, **said), "export", identity))

    def test_the_end_proves_the_whole(self):
        whole = self.archive()
        self.read(whole, proof=self.proof(whole))
        header, chunks = seal(whole, context=vault_format.export_context(self.EXPORT_ID))
        key = "relais-vault-export-key/1\n%s %s\n" % (self.EXPORT_ID.hex(), KEY.hex())
        self.read(header + b"".join(chunks), key, self.proof(whole))
        changed = self.archive(lambda files, manifest: self.put(files, manifest, "LISEZMOI.txt", b"Vos papier."))
        self.read(changed)
        self.log.append(412, b"VaultExported", ((1, self.EXPORT_ID.hex().encode()), (2, 1)))
        beginning = json.dumps(self.log.receipt(len(self.log.leaves) - 1, "export", self.EXPORT_ID.hex()))
        for what, data, proof in (("another archive", changed, self.proof(whole)),
                                  ("another export", whole, self.proof(whole, "06" * 16)),
                                  ("another number of texts", whole, self.proof(whole, texts=2)),
                                  ("the beginning", whole, beginning),
                                  ("a deposit", whole, self.receipt().decode())):
            with self.subTest(what), self.assertRaises(vault_format.Refused):
                self.read(data, proof=proof)

    def test_what_does_not_read_is_said_by_the_end_too(self):
        archive = self.archive(lambda _, manifest: manifest.update(unreadable=2))
        self.assertEqual(self.read(archive, proof=self.proof(archive, unreadable=2))["unreadable"], 2)
        for said in (0, 1):
            with self.subTest(said), self.assertRaises(vault_format.Refused):
                self.read(archive, proof=self.proof(archive, unreadable=said))

    def test_a_text_without_receipt_only_where_leaves_do_not_read(self):
        def change(unreadable):
            def without_receipt(files, manifest):
                files.pop(manifest["files"].pop(2)["path"])
                manifest["documents"][0].update(receipt="")
                manifest.update(unreadable=unreadable)
            return self.archive(without_receipt)
        self.read(change(1))
        with self.assertRaises(vault_format.Refused):
            self.read(change(0))

    def test_certificates_are_of_the_papers_that_are_said(self):
        gone, other = "03" * 16, "04" * 16
        path = "certificates/%s.json" % gone

        def certified(of, said, listed):
            def change(files, manifest):
                text = json.dumps(self.log.receipt(self.log.destruction(of), "destruction", of)).encode()
                manifest["files"].append({"path": path})
                self.put(files, manifest, path, text)
                manifest.update(destroyed=[{"document_id": said, "certificate": path}] if listed else [],
                                size=len(self.log.leaves), checkpoint=self.log.checkpoint())
            return self.archive(change)
        self.read(certified(gone, gone, True))
        for of, said, listed in ((other, gone, True), (gone, other, True), (gone, gone, False)):
            with self.assertRaises(vault_format.Refused):
                self.read(certified(of, said, listed))

    def test_what_the_manifest_does_not_say_is_refused(self):
        changes = {
            "another text": lambda files, _: files.update({"documents/001 Bail.pdf": b"other"}),
            "a file more": lambda files, _: files.update({"more.txt": b""}),
            "a file less": lambda files, _: files.pop("LISEZMOI.txt"),
            "another hash": lambda _, manifest: manifest["documents"][0].update(sha256="0" * 64),
            "no receipt": lambda _, manifest: manifest["documents"][0].update(receipt="receipts/none.json"),
            "another format": lambda _, manifest: manifest.update(format="relais-vault-export/2"),
            "out of the folder": lambda files, _: files.update({"../up": b""}),
            "another version": lambda _, manifest: manifest["documents"][0].update(version=2),
            "another paper": lambda _, manifest: manifest["documents"][0].update(document_id="03" * 16),
            "a text of which nothing is said": lambda _, manifest: manifest.update(documents=[]),
            "a checkpoint of another size": lambda _, manifest: manifest.update(size=9),
            "a checkpoint of another log": lambda _, manifest: manifest.update(
                checkpoint=Log(seed=b"2" * 32).checkpoint()),
        }
        for what, change in changes.items():
            with self.subTest(what), self.assertRaises(vault_format.Refused):
                self.read(self.archive(change))
        receipt = "receipts/%s-1.json" % ("02" * 16)
        other_log = Log(seed=b"2" * 32)
        other_log.deposit("02" * 16, 1, GOLDEN_TEXT)
        for what, text in (("nothing", b"{}"), ("another text's", self.receipt(b"other")),
                           ("another log's", json.dumps(other_log.receipt(0, "deposit", "02" * 16 + "/1")).encode())):
            with self.subTest(what), self.assertRaises(vault_format.Refused):
                self.read(self.archive(lambda files, manifest, text=text: self.put(files, manifest, receipt, text)))
        for last in ((), ("manifest.json", "after")):
            with self.assertRaises(vault_format.Refused):
                self.read(self.archive(last=last))
        whole = self.archive()
        for cut in (512, 5000, len(GOLDEN_TEXT)):
            with self.assertRaises(vault_format.Refused):
                self.read(whole[:cut])


if __name__ == "__main__":
    unittest.main()
