"""Readers of the C2SP formats, written from the specifications alone: signed-note, tlog-checkpoint, tlog-cosignature
(Ed25519), tlog-tiles, tlog-proof and tlog-policy. They share nothing with the suite's code, and refuse what they should.
"""

import base64
import binascii
import hashlib
import os
import re
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

ED25519 = 1
COSIGNATURE = 4


class Refused(ValueError):
    """What the specification does not allow, or what does not verify."""


def unbase64(text):
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Refused("not base64: " + text) from None
    if base64.b64encode(data).decode() != text:
        raise Refused("not the one spelling: " + text)
    return data


def decimal(text):
    if not re.fullmatch("0|[1-9][0-9]*", text):
        raise Refused("not a decimal: " + text)
    return int(text)


class Key:
    """A verifier key, `<name>+<id>+<base64 of type and key>`."""

    def __init__(self, vkey):
        self.name, key_id, encoded = vkey.split("+", 2)
        data = unbase64(encoded)
        self.type, self.public = data[0], data[1:]
        if not self.name or self.type not in (ED25519, COSIGNATURE) or len(self.public) != 32:
            raise Refused("not an Ed25519 key: " + vkey)
        self.id = hashlib.sha256(self.name.encode() + b"\n" + data).digest()[:4]
        if self.id.hex() != key_id:
            raise Refused("the id does not fit: " + vkey)

    def check(self, message, signature):
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise Refused("wrong signature of " + self.name) from None


class Note:
    def __init__(self, data):
        try:
            note = data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("not UTF-8") from None
        if any(ord(c) < 0x20 and c != "\n" for c in note):
            raise Refused("a control character")
        split = note.rfind("\n\n")
        if split < 0 or not note.endswith("\n"):
            raise Refused("no signatures")
        self.text = note[:split + 1]
        self.signatures = []
        lines = note[split + 2:-1].split("\n")
        for line in lines:
            match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
            if not match:
                raise Refused("not a signature line: " + line)
            blob = unbase64(match.group(2))
            if len(blob) < 5:
                raise Refused("a signature too short")
            self.signatures.append((match.group(1), blob[:4], blob[4:]))

    def signed_by(self, key):
        """Whether a log's key signed; Refused for a wrong signature of it."""
        found = False
        for name, key_id, signature in self.signatures:
            if name == key.name and key_id == key.id and key.type == ED25519:
                key.check(self.text.encode(), signature)
                found = True
        return found

    def cosigned_by(self, key):
        """The time at which a witness cosigned, or None."""
        latest = None
        for name, key_id, signature in self.signatures:
            if name == key.name and key_id == key.id and key.type == COSIGNATURE:
                if len(signature) != 72:
                    raise Refused("not a timestamped signature")
                (time,) = struct.unpack(">Q", signature[:8])
                if time >= 1 << 63:
                    raise Refused("no such time")
                key.check(b"cosignature/v1\ntime %d\n" % time + self.text.encode(), signature[8:])
                latest = max(time, latest or 0)
        return latest


class Checkpoint:
    def __init__(self, data, log_keys):
        self.note = Note(data)
        lines = self.note.text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            raise Refused("fewer than three lines, or an empty one")
        self.origin, self.size, self.root = lines[0], decimal(lines[1]), unbase64(lines[2])
        if len(self.root) != 32:
            raise Refused("not a root hash")
        if not any([self.note.signed_by(key) for key in log_keys if key.name == self.origin]):
            raise Refused("signed by no key of " + self.origin)


# --- the tree

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_root(hashes):
    """MTH of RFC 6962, 2.1, over hashes of equally high subtrees."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return node_hash(tree_root(hashes[:k]), tree_root(hashes[k:]))


def root_from_inclusion(index, size, entry, proof):
    """RFC 9162, 2.1.3.2."""
    if index >= size:
        raise Refused("no such leaf")
    node, last, result = index, size - 1, leaf_hash(entry)
    for sibling in proof:
        if last == 0:
            raise Refused("proof too long")
        if node % 2 == 1 or node == last:
            result = node_hash(sibling, result)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            result = node_hash(result, sibling)
        node, last = node // 2, last // 2
    if last != 0:
        raise Refused("proof too short")
    return result


# --- tiles

def tile_path(level, index, width):
    name = "%03d" % (index % 1000)
    while index >= 1000:
        index //= 1000
        name = "x%03d/%s" % (index % 1000, name)
    return "tile/%s/%s%s" % (level, name, "" if width == 256 else ".p/%d" % width)


def widths(size, level):
    """(index, width) of each tile of a level."""
    hashes = size >> (8 * level)
    return [(i, min(256, hashes - 256 * i)) for i in range((hashes + 255) // 256)]


class TiledLog:
    """A folder served as a tiled log: every entry, every tile and the checkpoint, checked."""

    def __init__(self, folder, log_keys):
        self.folder = folder
        self.checkpoint = Checkpoint(self.read("checkpoint"), log_keys)
        self.entries = []
        size = self.checkpoint.size
        for index, width in widths(size, 0):
            self.entries += self.bundle(self.read(tile_path("entries", index, width)), width)
        hashes, level = [leaf_hash(entry) for entry in self.entries], 0
        if tree_root(hashes) != self.checkpoint.root:
            raise Refused("the entries do not lead to the root")
        while hashes:
            full = []
            for index, width in widths(size, level):
                tile = b"".join(hashes[256 * index:256 * index + width])
                if self.read(tile_path(level, index, width)) != tile:
                    raise Refused("wrong tile " + tile_path(level, index, width))
                if width == 256:
                    full.append(tree_root(hashes[256 * index:256 * index + 256]))
            hashes, level = full, level + 1
        # Nothing is served that the size does not require, but partial tiles of older sizes.
        self.levels = level

    def read(self, path):
        try:
            with open(os.path.join(self.folder, path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise Refused("missing: " + path) from None

    @staticmethod
    def bundle(data, count):
        entries, at = [], 0
        for _ in range(count):
            if at + 2 > len(data):
                raise Refused("a bundle too short")
            (length,) = struct.unpack_from(">H", data, at)
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
        if at != len(data):
            raise Refused("a bundle of another length")
        return entries


# --- proofs and policies

class Proof:
    def __init__(self, data):
        head, _, self.checkpoint = data.partition(b"\n\n")
        lines = head.decode("ascii").split("\n")
        if lines.pop(0) != "c2sp.org/tlog-proof@v1":
            raise Refused("not a proof")
        self.extra = unbase64(lines.pop(0)[len("extra "):]) if lines and lines[0].startswith("extra ") else None
        if not lines or not lines[0].startswith("index "):
            raise Refused("no index")
        self.index = decimal(lines.pop(0)[len("index "):])
        self.hashes = [unbase64(line) for line in lines]
        if any(len(each) != 32 for each in self.hashes):
            raise Refused("not a hash")

    def verify(self, entry, log_keys):
        checkpoint = Checkpoint(self.checkpoint, log_keys)
        if root_from_inclusion(self.index, checkpoint.size, entry, self.hashes) != checkpoint.root:
            raise Refused("the entry is not in the tree")
        return checkpoint


def vkey(name, key_type, public):
    data = bytes([key_type]) + public
    key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    return "%s+%s+%s" % (name, key_id.hex(), base64.b64encode(data).decode())
