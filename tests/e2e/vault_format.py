"""Readers of the vault's formats, written from docs/formats.md alone: sealed texts and exports. They share nothing with the suite's
code, keep one chunk in memory, and refuse what they should.

    python3 vault_format.py ARCHIVE [KEYFILE] FOLDER    checks an export and writes its files to a new folder
"""

import hashlib
import hmac
import io
import json
import os
import struct
import sys
import tarfile

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"relais\0"
FIXED = bytes([1, 1, 16])  # version, suite, log2 of the chunk size
CHUNK = 1 << 16
TAG = 16
MAX_RUNS = 1024
MAX_CHUNKS = (1 << 40) // CHUNK


class Refused(ValueError):
    """What the format does not allow, or what does not open."""


def hkdf_sha256(key, salt, info, length):
    """RFC 5869."""
    prk = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:length]


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


def read_export(stream, key_file=None, on_file=None):
    """Checks an archive against its manifest, which it returns. `on_file(path, data)` gets each file, piece by piece; b"" ends it."""
    if key_file is not None:
        export_id, key = read_key_file(key_file)
        stream = io.BufferedReader(_Reader(open_stream(stream, key, export_context(export_id))))
    seen = []
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
                    if entry.name == "manifest.json":
                        kept.append(data)
                    elif on_file:
                        on_file(entry.name, data)
                if on_file and entry.name != "manifest.json":
                    on_file(entry.name, b"")
                if entry.name == "manifest.json":
                    manifest = json.loads(b"".join(kept))
                else:
                    seen.append({"path": entry.name, "size": size, "sha256": digest.hexdigest()})
    except tarfile.TarError as error:
        raise Refused("not an archive: %s" % error) from None
    # To the end: of a sealed archive only then its last chunk has been opened.
    while rest := stream.read(CHUNK):
        if rest.strip(b"\0"):
            raise Refused("something follows the archive")
    if manifest is None or manifest.get("format") != "relais-vault-export/1":
        raise Refused("no manifest: the archive is cut")
    if manifest["files"] != seen:
        raise Refused("the manifest names other files")
    if key_file is not None and manifest["export_id"] != export_id.hex():
        raise Refused("another export")
    by_path = {file["path"]: file for file in seen}
    for document in manifest["documents"]:
        file = by_path.get(document["path"])
        if file is None or (file["size"], file["sha256"]) != (document["size"], document["sha256"]):
            raise Refused("document " + document["document_id"])
        if document["receipt"] not in by_path:
            raise Refused("receipt of " + document["document_id"])
    return manifest


def safe(name):
    return not name.startswith("/") and all(part not in ("", ".", "..") for part in name.split("/"))


def main(arguments):
    archive, key, folder = arguments[0], arguments[1] if len(arguments) == 3 else None, arguments[-1]
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
    with open(archive, "rb") as stream:
        manifest = read_export(stream, key_text, write)
    print("%d documents, whole" % len(manifest["documents"]))


if __name__ == "__main__":
    main(sys.argv[1:])
