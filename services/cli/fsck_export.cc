#include "services/cli/fsck_export.h"

#include <array>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/audit/big_endian.h"
#include "common/audit/checkpoint_findings.h"
#include "common/audit/leaf.h"
#include "common/merkle/tree.h"
#include "nlohmann/json.hpp"
#include "services/cli/export_file.h"

namespace relais::cli {
namespace {

constexpr size_t kLength = 4;

// The checkpoint in the header; nullopt after saying what is wrong with it.
std::optional<merkle::Checkpoint> Header(const std::string& line,
                                         std::span<const merkle::NoteVerifier> verifiers,
                                         audit::Findings& findings) {
  const nlohmann::json header = nlohmann::json::parse(line, nullptr, false);
  if (!LooksLikeExport(line) || !header.contains("checkpoint") || !header["checkpoint"].is_string() ||
      !header.contains("origin") || !header["origin"].is_string()) {
    findings.Add("line 1", "is not the header of an export");
    return std::nullopt;
  }
  const std::string origin = header["origin"];
  const std::string note = header["checkpoint"];
  if (line + "\n" != ExportHeader(origin, note)) {
    findings.Add("line 1", "is not spelt as the header of an export");
  }
  bool trusted = false;
  std::optional<merkle::Checkpoint> checkpoint =
      audit::ReadCheckpoint(note, "line 1, checkpoint", verifiers, &trusted, findings);
  if (checkpoint.has_value() && checkpoint->origin != origin) {
    findings.Add("line 1", "the header and the checkpoint name two logs");
  }
  return checkpoint;
}

struct Place {
  uint64_t index = 0;
  uint64_t byte = 0;
  [[nodiscard]] std::string Name(size_t size) const {
    return absl::StrCat("leaf ", index, ", bytes ", byte, "-", byte + kLength + size - 1);
  }
};

void CheckLeaf(const std::string& bytes, const Place& place, std::optional<absl::Time>& last,
               audit::Findings& findings) {
  const absl::StatusOr<audit::Leaf> leaf = audit::ParseLeaf(bytes);
  if (!leaf.ok()) {
    findings.Add(place.Name(bytes.size()), std::string(leaf.status().message()));
    return;
  }
  if (last.has_value() && leaf->time < *last) {
    findings.Add(place.Name(bytes.size()), "its time is before the previous leaf's");
  }
  last = leaf->time;
}

}  // namespace

void FsckExport(std::istream& in, std::span<const merkle::NoteVerifier> verifiers,
                audit::Findings& findings) {
  std::string line;
  std::getline(in, line);
  const std::optional<merkle::Checkpoint> checkpoint = Header(line, verifiers, findings);
  if (!checkpoint.has_value()) {
    return;
  }
  merkle::Frontier tree;
  std::optional<absl::Time> last;
  Place place{0, line.size() + 1};
  std::string leaf;
  while (true) {
    std::array<char, kLength> prefix{};
    in.read(prefix.data(), prefix.size());
    if (in.gcount() == 0) {
      break;
    }
    const uint32_t length = audit::ReadBigEndian32({prefix.data(), prefix.size()});
    if (in.gcount() != static_cast<std::streamsize>(kLength) || length > audit::kMaxLeafSize) {
      findings.Add(absl::StrCat("leaf ", place.index, ", byte ", place.byte), "no leaf has this length");
      return;
    }
    leaf.resize(length);
    in.read(leaf.data(), static_cast<std::streamsize>(length));
    if (in.gcount() != static_cast<std::streamsize>(length)) {
      findings.Add(absl::StrCat("leaf ", place.index, ", byte ", place.byte),
                   "the file ends within this leaf");
      return;
    }
    CheckLeaf(leaf, place, last, findings);
    tree.Append(merkle::HashLeaf(leaf), nullptr);
    place = {place.index + 1, place.byte + kLength + length};
  }
  if (tree.size() != checkpoint->size) {
    findings.Add("leaves",
                 absl::StrCat("there are ", tree.size(), ", the checkpoint says ", checkpoint->size));
  } else if (tree.root() != checkpoint->root) {
    findings.Add("line 1, checkpoint line 3", "the leaves do not lead to this root: one of them was altered");
  }
}

}  // namespace relais::cli
