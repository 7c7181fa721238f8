"""Reader of deposit receipts and certificates of destruction, written from docs/formats.md and the C2SP specifications alone: checks a
receipt against the public key of the log, takes its leaf apart and says what it proves. It shares nothing with the suite's code.

    python3 vault_receipts.py LOGKEY RECEIPT    LOGKEY: ORIGIN+ID+KEY, from whoever runs the vault
"""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
import re
import struct
import sys

import c2sp
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# EventClass: (act, payload, its fields that are read). Fields by their numbers (docs/formats.md, "Deposit receipt and certificate").
ACTS = {
    401: ("deposit", "relais.vault.v1.DocumentDeposited",
          {1: "document_id", 2: "version", 3: "type", 4: "size", 5: "hash_algorithm", 6: "sha256", 7: "media_type"}),
    408: ("destruction", "relais.vault.v1.DocumentDestroyed",
          {1: "document_id", 2: "type", 3: "versions", 4: "cause", 6: "copies_end_with_epoch"}),
    412: ("export", "relais.vault.v1.VaultExported",
          {1: "export_id", 2: "documents", 3: "sealed", 4: "current_only", 5: "sha256", 6: "archive_sha256", 7: "bytes",
           8: "texts", 9: "certificates", 10: "damaged", 11: "unreadable"}),
}
VERSION = {1: "version", 2: "size", 3: "hash_algorithm", 4: "sha256", 5: "media_type"}
TEXTS = {"document_id", "export_id", "hash_algorithm", "media_type", "cause"}
BYTES = {"sha256", "archive_sha256"}
MEMBERS = {"format", "fr", "en", "act", "time", "revision", "id", "proof"}
PROOF_MEMBERS = {"origin", "leafIndex", "leaf", "treeSize", "inclusion", "checkpoint", "leafKey"}


class Refused(ValueError):
    """What the format does not allow, what does not open, or what the log does not prove."""


def hkdf_sha256(key, salt, info, length):
    """RFC 5869."""
    prk = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    out, block = b"", b""
    for i in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:length]


def open_sealed(key, salt, aad, sealed):
    """The text of Seal ("Keys and sealing")."""
    keys = hkdf_sha256(key, salt, b"relais aead v1", 64)
    if len(sealed) < 48 or not hmac.compare_digest(keys[32:], sealed[:32]):
        raise Refused("another key")
    try:
        return AESGCM(keys[:32]).decrypt(bytes(12), sealed[32:], aad)
    except InvalidTag:
        raise Refused("does not open") from None


def open_random(key, aad, sealed):
    """The text of SealRandom."""
    return open_sealed(key, sealed[:24], aad, sealed[24:])


# --- protocol buffers, as far as leaves need them

def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Refused("cut")
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise Refused("no number")


def message(data):
    """{field number: [numbers and bytes, in order]}"""
    fields, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            if at > len(data):
                raise Refused("cut")
        elif tag & 7 in (1, 5):
            length = 8 if tag & 7 == 1 else 4
            value, at = data[at:at + length], at + length
        else:
            raise Refused("no message")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def named(data, names):
    """A message's fields by name: texts, bytes, numbers, and for `versions` a list of the same."""
    fields = message(data)
    out = {}
    for number, name in names.items():
        values = fields.get(number, [])
        if name == "versions":
            out[name] = [named(each, VERSION) for each in values]
        elif name in TEXTS | BYTES:
            value = values[-1] if values else b""
            out[name] = value if name in BYTES else value.decode("utf-8")
        else:
            out[name] = values[-1] if values else 0
    return out


# --- leaves

class Leaf:
    """A leaf taken apart ("Leaf format v1"); `details` opens its part P with the leaf's key."""

    def __init__(self, data):
        if len(data) < 25 or data[0] != 1 or len(data) > 65535:
            raise Refused("not a leaf of this version")
        self.time = struct.unpack(">Q", data[1:9])[0]
        self.random = data[9:25]
        parts, at = [], 25
        for _ in range(3):
            if at + 4 > len(data):
                raise Refused("a leaf that is cut")
            (length,) = struct.unpack_from(">I", data, at)
            parts.append(data[at + 4:at + 4 + length])
            at += 4 + length
        if at != len(data):
            raise Refused("a leaf of another length")
        self.header, self.sealed = message(parts[0]), parts[1]
        self.event = self.header.get(1, [0])[-1]

    def payload(self, leaf_key):
        """(name of its type, its bytes)"""
        details = message(open_sealed(leaf_key, self.random, b"\1" + self.random, self.sealed))
        packed = message(details.get(6, [b""])[-1])
        return packed.get(1, [b""])[-1].decode("utf-8").rpartition("/")[2], packed.get(2, [b""])[-1]


# --- receipts

def unbase64(text):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Refused("not base64") from None


def once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("a member twice")
    return members


def microseconds(text):
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\+00:00", text)
    if not match:
        raise Refused("time")
    at = datetime.datetime(*map(int, match.groups()[:6]), tzinfo=datetime.timezone.utc)
    return int(at.timestamp()) * 1000000 + int((match.group(7) or "").ljust(6, "0"))


def prove(proof, log_keys):
    """The leaf that a proof (relais.common.v1.Proof in JSON) proves to be in the log of one of the keys."""
    if set(proof) - PROOF_MEMBERS:
        raise Refused("what is no proof's")
    leaf = unbase64(proof["leaf"])
    try:
        checkpoint = c2sp.Checkpoint(proof["checkpoint"].encode("utf-8"), log_keys)
        root = c2sp.root_from_inclusion(int(proof.get("leafIndex", 0)), checkpoint.size, leaf,
                                        [unbase64(each) for each in proof.get("inclusion", [])])
    except c2sp.Refused as error:
        raise Refused(str(error)) from None
    if (checkpoint.origin, checkpoint.size) != (proof["origin"], int(proof["treeSize"])):
        raise Refused("a checkpoint of another log or size")
    if root != checkpoint.root:
        raise Refused("the leaf is not in the tree")
    return Leaf(leaf)


def read_receipt(text, log_keys):
    """What a receipt proves: {"act", "time" (microseconds since 1970) and the fields of ACTS}. `log_keys`: c2sp.Key. Refused for one that
    proves nothing, or that says anything else beside its proof; the sentences `fr` and `en` are for her and are not compared."""
    try:
        receipt = json.loads(text, object_pairs_hook=once)
        if receipt["format"] != "relais-receipt/1" or set(receipt) != MEMBERS:
            raise Refused("not a receipt of a paper")
        proof = receipt["proof"]
        leaf = prove(proof, log_keys)
        if leaf.event not in ACTS:
            raise Refused("of no act of a paper")
        act, payload, names = ACTS[leaf.event]
        name, data = leaf.payload(unbase64(proof["leafKey"]))
        if name != payload:
            raise Refused("its leaf holds another payload")
        facts = dict(named(data, names), act=act, time=leaf.time)
        said = (receipt["act"], receipt["id"], receipt["revision"], microseconds(receipt["time"]))
    except Refused:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Refused("malformed: %r" % error) from None
    document = facts["export_id" if act == "export" else "document_id"]
    identity = "%s/%d" % (document, facts["version"]) if act == "deposit" else document
    if said != (act, identity, "%s:%s" % (proof["origin"], proof["treeSize"]), leaf.time):
        raise Refused("it says something else than its leaf")
    return facts


def main(arguments):
    log_key, path = arguments
    with open(path, encoding="utf-8") as file:
        facts = read_receipt(file.read(), [c2sp.Key(log_key)])
    for name, value in facts.items():
        print("%s: %s" % (name, value.hex() if isinstance(value, bytes) else value))


if __name__ == "__main__":
    main(sys.argv[1:])
