"""Checks a receipt by hand: RFC 6962 inclusion and the Ed25519 signature of a C2SP checkpoint."""

import base64
import hashlib

import yaml
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def root_from_path(index, size, leaf, path):
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2). ValueError for a proof of the wrong length."""
    if index >= size:
        raise ValueError("no such leaf")
    node, last, result = index, size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            raise ValueError("too long")
        if node % 2 == 1 or node == last:
            result = hashlib.sha256(b"\1" + sibling + result).digest()
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            result = hashlib.sha256(b"\1" + result + sibling).digest()
        node, last = node // 2, last // 2
    if last != 0:
        raise ValueError("too short")
    return result


def checkpoint_of(note, origin, public_keys):
    """(size, root) of a note signed by one of the keys; ValueError otherwise."""
    text, _, signatures = note.partition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        signature = base64.b64decode(encoded)
        for public in public_keys:
            key_id = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
            if dash != "\u2014" or name != origin or signature[:4] != key_id:
                continue
            try:
                ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise ValueError("wrong signature") from None
            first, size, root = text.splitlines()[:3]
            if first != origin:
                raise ValueError("another log")
            return int(size), base64.b64decode(root)
    raise ValueError("signed by no key of this log")


def log_keys(directory_yaml, origin):
    """Public keys of a log, from the signed directory."""
    for entry in yaml.safe_load(directory_yaml)["logs"]:
        if entry["origin"] == origin:
            return [base64.b64decode(key) for key in entry["keys"]]
    return []


def verify(proof, directory_yaml):
    """Raises ValueError unless `proof` (relais.common.v1.Proof) holds."""
    size, root = checkpoint_of(proof.checkpoint, proof.origin, log_keys(directory_yaml, proof.origin))
    if size != proof.tree_size:
        raise ValueError("a checkpoint of another size")
    if root_from_path(proof.leaf_index, size, proof.leaf, list(proof.inclusion)) != root:
        raise ValueError("the leaf is not in the tree")
