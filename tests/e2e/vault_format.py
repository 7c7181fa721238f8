"""Readers of the vault's formats, written from docs/formats.md alone: wrapped keys, sealed texts and exports. They share nothing with
the suite's code, keep one chunk in memory, and refuse what they should.

    python3 vault_format.py LOGKEY ARCHIVE [KEYFILE] FOLDER    checks an export and writes its files to a new folder

LOGKEY: ORIGIN+ID+KEY of the vault's log, from whoever runs the vault and not from whoever gave the archive.
"""

import base64
import hashlib
import hmac
import io
import json
import os
import struct
import sys
import tarfile

import c2sp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vault_receipts import Refused, hkdf_sha256, open_random, read_receipt

MAGIC = b"relais\0"
FIXED = bytes([1, 1, 16])  # version, suite, log2 of the chunk size
CHUNK = 1 << 16
TAG = 16
MAX_RUNS = 1024
MAX_CHUNKS = (1 << 40) // CHUNK
PROVED = ("receipts/", "certificates/")


# --- keys of papers

def open_ring_line(master, line):
    """(name, version, key) of a line of a key ring."""
    name, version, sealed = line.split(" ")
    aad = ("relais-keyring/1|%s|%s" % (name, version)).encode()
    return name, int(version), open_random(master, aad, base64.b64decode(sealed, validate=True))


def wrapped(data):
    """(epoch or generation, what SealRandom made) of a wrapped key."""
    if len(data) != 109 or data[0] != 1:
        raise Refused("not a wrapped key")
    return struct.unpack(">I", data[1:5])[0], data[5:]


def open_person_key(epoch_keys, person, generation, data):
    epoch, sealed = wrapped(data)
    return open_random(epoch_keys[epoch], b"relais vault person key v1" + person + struct.pack(">I", generation), sealed)


def open_version_key(person_keys, person, document, version, data):
    generation, sealed = wrapped(data)
    aad = b"relais vault version key v1" + person + document + struct.pack(">II", version, generation)
    return open_random(person_keys[generation], aad, sealed)


def duplicate_mark(person_key, sha256):
    return hmac.new(hkdf_sha256(person_key, b"", b"relais vault duplicate v1", 32), sha256, hashlib.sha256).digest()


# --- sealed texts

def document_context(person, document, version):
    assert len(person) == len(document) == 16
    return b"D" + person + document + struct.pack(">I", version)


def export_context(export_id):
    assert len(export_id) == 16
    return b"E" + export_id


def run_keys(text_key, context, first_chunk, salt):
    info = (b"relais sealed text v1" + FIXED[1:] + struct.pack(">Q", first_chunk) +
            struct.pack(">I", len(context)) + context)
    both = hkdf_sha256(text_key, salt, info, 64)
    return both[:32], both[32:]


def nonce(chunk, last):
    return struct.pack(">Q", chunk) + b"\0\0\0" + (b"\1" if last else b"\0")


def exactly(stream, length):
    data = stream.read(length)
    if len(data) != length:
        raise Refused("cut")
    return data


def read_header(stream, text_key, context):
    """[(first chunk, key)], once every commitment was checked."""
    fixed = exactly(stream, 12)
    if fixed[:7] != MAGIC or fixed[7:10] != FIXED:
        raise Refused("not a sealed text of this version")
    count = struct.unpack(">H", fixed[10:])[0]
    if not 1 <= count <= MAX_RUNS:
        raise Refused("number of runs")
    runs = []
    for i in range(count):
        row = exactly(stream, 72)
        first = struct.unpack(">Q", row[:8])[0]
        if (first != 0 if i == 0 else first <= runs[-1][0]) or first >= MAX_CHUNKS:
            raise Refused("order of runs")
        key, commitment = run_keys(text_key, context, first, row[8:40])
        if not hmac.compare_digest(commitment, row[40:]):
            raise Refused("another key, person, document or version")
        runs.append((first, AESGCM(key)))
    return runs


def open_stream(stream, text_key, context):
    """Yields the chunks of a text. It is whole only if this ends without an error."""
    runs = read_header(stream, text_key, context)
    here = 0
    chunk = 0
    sealed = stream.read(CHUNK + TAG)
    while True:
        # A chunk is the last one if nothing follows it.
        following = stream.read(CHUNK + TAG) if len(sealed) == CHUNK + TAG else b""
        last = not following
        if len(sealed) < TAG + (1 if chunk else 0) or chunk >= MAX_CHUNKS:
            raise Refused("cut")
        if here + 1 < len(runs) and runs[here + 1][0] == chunk:
            here += 1
        try:
            yield runs[here][1].decrypt(nonce(chunk, last), sealed, None)
        except InvalidTag:
            raise Refused("chunk %d does not open" % chunk) from None
        if last:
            break
        sealed = following
        chunk += 1
    if here + 1 != len(runs) or stream.read(1):
        raise Refused("the text ends before its last run")


def open_text(data, text_key, context):
    return b"".join(open_stream(io.BytesIO(data), text_key, context))


class _Reader(io.RawIOBase):
    """The chunks of a text as a file."""

    def __init__(self, chunks):
        super().__init__()
        self.chunks, self.held = chunks, b""

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.held:
            self.held = next(self.chunks, None)
            if self.held is None:
                self.held = b""
                return 0
        taken = min(len(buffer), len(self.held))
        buffer[:taken] = self.held[:taken]
        self.held = self.held[taken:]
        return taken


def read_key_file(text):
    """(export id, key)"""
    lines = text.split("\n")
    if len(lines) != 3 or lines[0] != "relais-vault-export-key/1" or lines[2]:
        raise Refused("not a key of an export")
    export_id, key = (bytes.fromhex(part) for part in lines[1].split(" "))
    if len(export_id) != 16 or len(key) != 32:
        raise Refused("not a key of an export")
    return export_id, key


# --- exports

class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, stream):
        super().__init__()
        self.stream, self.digest = stream, hashlib.sha256()

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self.stream.read(len(buffer))
        buffer[:len(data)] = data
        self.digest.update(data)
        return len(data)


def read_export(stream, log_keys, key_file=None, on_file=None, proof=None):
    """Checks an archive against its manifest, which it returns, and its receipts against the log's keys (c2sp.Key). `on_file(path, data)`
    gets each file, piece by piece; b"" ends it. `proof`: the text of ARCHIVE.proof.json, without which nothing says that it is whole."""
    if key_file is not None:
        export_id, key = read_key_file(key_file)
        stream = io.BufferedReader(_Reader(open_stream(stream, key, export_context(export_id))))
    hashed = _Hashed(stream)
    stream = io.BufferedReader(hashed)
    seen = []
    receipts = {}
    manifest = None
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for entry in archive:
                if manifest is not None or not entry.isreg() or not safe(entry.name):
                    raise Refused("entry " + entry.name)
                digest, size, kept = hashlib.sha256(), 0, []
                source = archive.extractfile(entry)
                for data in iter(lambda: source.read(CHUNK), b""):
                    digest.update(data)
                    size += len(data)
                    if entry.name == "manifest.json" or entry.name.startswith(PROVED):
                        kept.append(data)
                    if on_file and entry.name != "manifest.json":
                        on_file(entry.name, data)
                if on_file and entry.name != "manifest.json":
                    on_file(entry.name, b"")
                if entry.name == "manifest.json":
                    manifest = json.loads(b"".join(kept))
                else:
                    seen.append({"path": entry.name, "size": size, "sha256": digest.hexdigest()})
                if entry.name.startswith(PROVED):
                    receipts[entry.name] = read_receipt(b"".join(kept), log_keys)
    except tarfile.TarError as error:
        raise Refused("not an archive: %s" % error) from None
    # To the end: of a sealed archive only then its last chunk has been opened.
    while rest := stream.read(CHUNK):
        if rest.strip(b"\0"):
            raise Refused("something follows the archive")
    try:
        if manifest is None or manifest["format"] != "relais-vault-export/1":
            raise Refused("no manifest: the archive is cut")
        if manifest["files"] != seen:
            raise Refused("the manifest names other files")
        if key_file is not None and manifest["export_id"] != export_id.hex():
            raise Refused("another export")
        check_checkpoint(manifest, log_keys)
        check_documents(manifest, {file["path"]: file for file in seen}, receipts)
        check_destroyed(manifest, receipts)
        if proof is not None:
            check_whole(manifest, read_receipt(proof, log_keys), hashed.digest.digest())
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused("manifest: %r" % error) from None
    return manifest


def check_checkpoint(manifest, log_keys):
    try:
        checkpoint = c2sp.Checkpoint(manifest["checkpoint"].encode("utf-8"), log_keys)
    except c2sp.Refused as error:
        raise Refused("checkpoint: %s" % error) from None
    if (checkpoint.origin, checkpoint.size) != (manifest["origin"], manifest["size"]):
        raise Refused("a checkpoint of another log or size")


def check_documents(manifest, files, receipts):
    """Each text is the one whose deposit its receipt proves, and of every text something is said."""
    said = set()
    for document in manifest["documents"]:
        file = files.get(document["path"])
        if file is None or (file["size"], file["sha256"]) != (document["size"], document["sha256"]):
            raise Refused("document " + document["document_id"])
        if document["receipt"] == "" and manifest.get("unreadable", 0) > 0:
            said.add(document["path"])  # its deposit is among what does not read: it is whole, and not proved
            continue
        proved = receipts.get(document["receipt"], {})
        if proved.get("act") != "deposit" or (
                proved["document_id"], proved["version"], proved["size"], proved["sha256"].hex()) != (
                document["document_id"], document["version"], document["size"], document["sha256"]):
            raise Refused("receipt of " + document["document_id"])
        said.add(document["path"])
    if said != {path for path in files if path.startswith("documents/")}:
        raise Refused("a text of which nothing is said")


def check_destroyed(manifest, receipts):
    """Each certificate is of the paper that is said, and of every one something is said."""
    said = set()
    for paper in manifest["destroyed"]:
        proved = receipts.get(paper["certificate"], {})
        if (proved.get("act"), proved.get("document_id")) != ("destruction", paper["document_id"]):
            raise Refused("certificate of " + paper["document_id"])
        said.add(paper["certificate"])
    if said != {path for path, proved in receipts.items() if proved["act"] == "destruction"}:
        raise Refused("a certificate of which nothing is said")


def check_whole(manifest, proved, archive_sha256):
    """It is the archive whose end the log has: nothing was taken out of it."""
    if proved["act"] != "export" or not proved["archive_sha256"] or proved["export_id"] != manifest["export_id"]:
        raise Refused("proof of another export, or of its beginning")
    if proved["archive_sha256"] != archive_sha256:
        raise Refused("not the archive that was sent")
    if (proved["texts"], proved["certificates"], proved["damaged"]) != tuple(
            len(manifest[name]) for name in ("documents", "destroyed", "damaged")):
        raise Refused("other numbers of papers than the proof says")
    if proved["unreadable"] != manifest.get("unreadable", 0):
        raise Refused("another number of leaves that do not read than the proof says")


def safe(name):
    return not name.startswith("/") and all(part not in ("", ".", "..") for part in name.split("/"))


def main(arguments):
    log_key, archive, key, folder = *arguments[:2], arguments[2] if len(arguments) == 4 else None, arguments[-1]
    os.makedirs(folder)
    open_files = {}

    def write(path, data):
        if path not in open_files:
            target = os.path.join(folder, *path.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            open_files[path] = open(target, "xb")
        open_files[path].write(data)
        if not data:
            open_files[path].close()

    key_text = open(key, encoding="ascii").read() if key else None
    beside = archive + ".proof.json"
    proof = open(beside, encoding="utf-8").read() if os.path.exists(beside) else None
    with open(archive, "rb") as stream:
        manifest = read_export(stream, [c2sp.Key(log_key)], key_text, write, proof)
    unproved = sum(document["receipt"] == "" for document in manifest["documents"])
    print("%d documents, each proved by its receipt; %s" %
          (len(manifest["documents"]) - unproved,
           "the archive is whole" if proof else "not proved whole: there is no " + beside))
    if manifest.get("unreadable", 0):
        print("%d leaves do not read, so that papers may be missing; %d documents without a receipt" %
              (manifest["unreadable"], unproved))


if __name__ == "__main__":
    main(sys.argv[1:])
