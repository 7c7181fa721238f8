#!/usr/bin/env python3
"""Enforces the direction of includes: base → {crypto … feeds} → {audit, pki, directory} → receipt → rpc → services → tests.

A service includes nothing of another service but generated stubs, and the CLI besides the vault's file formats and the words of her journal; gRPC headers appear only in rpc.*, common/rpc and the
CLI; RocksDB only in common/storage/rocksdb; OpenSSL only in common/{base,crypto,pki} sources and never in a public header;
domain/ folders include no gRPC, RocksDB, OpenSSL and read no clock.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYER = {"base": 0, "crypto": 1, "text": 1, "calendar": 1, "telemetry": 1, "merkle": 2, "storage": 2, "identity": 2,
         "feeds": 2, "pki": 3, "audit": 3, "directory": 4, "receipt": 5, "rpc": 6}
SAME_LAYER_OK = {("crypto", "crypto")}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
IMPURE = re.compile(r"absl::Now\(|system_clock|steady_clock|random_device|std::rand\b|mt19937")


def module(path):
    parts = path.split("/")
    if parts[0] == "common" and len(parts) > 2:
        return parts[1]
    return None


def problems_of(path, text):
    rel = path.relative_to(ROOT).as_posix()
    parts = rel.split("/")
    me = module(rel)
    testing = "/testing/" in rel or rel.endswith("_test.cc")
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{rel}:{number}"
        match = INCLUDE.match(line)
        if "domain" in parts and not testing and IMPURE.search(line):
            yield f"{where}: a domain reads no clock and no randomness"
        if not match:
            continue
        name = match.group(1)
        other = module(name)
        if me and other and other != me and LAYER[other] >= LAYER[me] and not (testing and LAYER[other] <= LAYER[me] + 1):
            yield f"{where}: common/{me} may not include common/{other}"
        if me and (name.startswith("services/") or name.startswith("tests/")):
            yield f"{where}: common includes no service and no test"
        # The command reads what the vault gave out, and says it in the same words: both are pure.
        formats = parts[:2] == ["services", "cli"] and name.startswith(("services/vault/format/", "services/vault/domain/journal_words.h"))
        if (parts[0] == "services" and name.startswith("services/") and not formats
                and not name.startswith(f"services/{parts[1]}/")):
            yield f"{where}: services include nothing of one another but generated stubs"
        if parts[0] == "services" and name.startswith("tests/"):
            yield f"{where}: a service includes no test"
        grpc_ok = (me == "rpc" or parts[:2] == ["services", "cli"] or parts[0] == "tests"
                   or (parts[0] == "services" and parts[-1] in ("rpc.cc", "rpc.h")))
        if (name.startswith("grpc") or name.endswith(".grpc.pb.h")) and not grpc_ok:
            yield f"{where}: gRPC belongs in rpc.*, common/rpc and the CLI"
        if name.startswith("rocksdb/") and not rel.startswith(("common/storage/", "tests/")):
            yield f"{where}: RocksDB belongs in common/storage/rocksdb"
        if name.startswith("openssl/"):
            public = rel.endswith(".h") and "internal" not in parts and "openssl_handles" not in rel
            # tls.cc sets OpenSSL up for the whole process (TLS 1.3 only, no tickets) before gRPC uses it.
            home = me in ("base", "crypto", "pki") or rel == "common/rpc/tls.cc"
            if public or not (home or testing or parts[0] == "tests"):
                yield f"{where}: OpenSSL belongs behind common/crypto and common/pki"


def main():
    problems = []
    for folder in ("common", "services", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cc", ".h"):
                problems += problems_of(path, path.read_text(encoding="utf-8"))
    print("\n".join(problems) if problems else "includes: direction holds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
