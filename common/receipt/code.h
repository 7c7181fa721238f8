// The receipt code: a proof, small enough for a printed QR code, that is checked without any server and
// without the page it stands on. Formats: docs/formats.md, "Receipt code". Pure.
//
//   "RELAIS1:" and, in base32 (RFC 4648, no padding):
//     byte 0        1: the whole leaf; 2: its hash
//     4 bytes       id of the key that signed the checkpoint, big-endian (C2SP): says log and key
//     varint        leaf index
//     varint        tree size
//     1 byte        number of hashes n
//     n × 32 bytes  inclusion proof, lowest sibling first
//     64 bytes      Ed25519 signature of the checkpoint
//     32 bytes      the leaf's key
//     the rest      the leaf; or its hash, 32 bytes
//
// The root and the checkpoint's text are not in it: they follow from the rest.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/merkle/note.h"
#include "common/merkle/tree.h"
#include "relais/common/v1/types.pb.h"

namespace relais::receipt {

inline constexpr std::string_view kCodePrefix = "RELAIS1:";
/// A code with a whole leaf has at most this many characters: a QR code of version 36, 161 modules a side.
inline constexpr size_t kMostCodeLength = 3500;

/// Of a proof with its leaf key. The first signature of the checkpoint is taken; cosignatures are left out.
/// With the leaf if that fits, else with its hash. INVALID_ARGUMENT for a proof without leaf key, or of which
/// the checkpoint has extension lines.
[[nodiscard]] absl::StatusOr<std::string> MakeCode(const common::v1::Proof& proof);

/// The code in a text: all of one that begins as a code does, spaces and case aside; else, of a page (page.h)
/// or any other text, what follows the last "RELAIS1:" in it up to the first character that no code has.
/// Empty: there is none.
[[nodiscard]] std::string_view CodeIn(std::string_view text);

struct ReadCode {
  /// For audit::VerifyProof; without leaf and leaf key when the code has only the leaf's hash.
  common::v1::Proof proof;
  merkle::Hash leaf_hash{};
  std::string leaf_key;
  bool whole_leaf = false;
};
/// Takes a code apart, spaces and ends of lines within it and case aside, and makes its proof whole again.
/// INVALID_ARGUMENT for anything that MakeCode would not write and for a key that is none of `verifiers`.
/// Proves nothing.
[[nodiscard]] absl::StatusOr<ReadCode> ParseCode(std::string_view text,
                                                 std::span<const merkle::NoteVerifier> verifiers);
/// That a leaf of that hash is in the log: what a code without the leaf proves. INVALID_ARGUMENT.
[[nodiscard]] absl::Status VerifyCode(const ReadCode& code, std::span<const merkle::NoteVerifier> verifiers);

}  // namespace relais::receipt
