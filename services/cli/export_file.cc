#include "services/cli/export_file.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "nlohmann/json.hpp"
#include "services/cli/output.h"

namespace relais::cli {
namespace {

constexpr char kFormat[] = "relais-log-export/1";
constexpr uint32_t kMostLeafBytes = audit::kMaxLeafSize;

absl::Status Failed(const std::string& check, uint64_t index) {
  return absl::DataLossError(absl::StrCat(check, " (leaf ", index, ")"));
}

// The origin, first line of a checkpoint, before anything is proven.
std::string ClaimedOrigin(const std::string& checkpoint) {
  return checkpoint.substr(0, checkpoint.find('\n'));
}

// False at the end of the stream; an error when it ends within a leaf.
absl::StatusOr<bool> ReadLeaf(std::istream& in, uint64_t index, std::string& leaf) {
  std::array<char, 4> prefix{};
  in.read(prefix.data(), prefix.size());
  if (in.gcount() == 0) {
    return false;
  }
  uint32_t length = 0;
  for (const char c : prefix) {
    length = (length << 8U) | static_cast<unsigned char>(c);
  }
  if (in.gcount() != static_cast<std::streamsize>(prefix.size()) || length > kMostLeafBytes) {
    return Failed("the file is damaged: no leaf has this length", index);
  }
  leaf.resize(length);
  in.read(leaf.data(), static_cast<std::streamsize>(length));
  if (in.gcount() != static_cast<std::streamsize>(length)) {
    return Failed("the file is damaged: it ends within a leaf", index);
  }
  return true;
}

}  // namespace

absl::StatusOr<LogVerifier> LogVerifier::Open(const std::string& checkpoint,
                                              std::span<const merkle::NoteVerifier> verifiers) {
  absl::StatusOr<merkle::Checkpoint> opened =
      merkle::OpenCheckpoint(checkpoint, ClaimedOrigin(checkpoint), verifiers);
  if (!opened.ok()) {
    return absl::DataLossError(absl::StrCat("checkpoint signature: ", opened.status().message()));
  }
  LogVerifier verifier;
  verifier.log_.checkpoint = *std::move(opened);
  verifier.log_.note = checkpoint;
  return verifier;
}

absl::Status LogVerifier::MustContain(const merkle::Checkpoint& older) {
  if (older.origin != log_.checkpoint.origin) {
    return absl::DataLossError(absl::StrCat("consistency: the log seen before is ", older.origin,
                                            ", this one is ", log_.checkpoint.origin));
  }
  if (older.size > log_.checkpoint.size) {
    return absl::DataLossError(absl::StrCat("consistency: the log was seen with ", older.size,
                                            " leaves and now has ", log_.checkpoint.size, ": rolled back"));
  }
  older_ = older;
  return CheckOlder();
}

absl::Status LogVerifier::CheckOlder() const {
  if (older_.has_value() && older_->size == tree_.size() && older_->root != tree_.root()) {
    return absl::DataLossError(
        absl::StrCat("consistency: the first ", older_->size, " leaves are not those seen before: forked"));
  }
  return absl::OkStatus();
}

absl::Status LogVerifier::Add(std::string_view leaf) {
  const uint64_t index = tree_.size();
  if (index >= log_.checkpoint.size) {
    return Failed("leaf count: there are more leaves than the checkpoint says", index);
  }
  const absl::StatusOr<audit::Leaf> parsed = audit::ParseLeaf(leaf);
  if (!parsed.ok()) {
    return Failed(absl::StrCat("leaf format: ", parsed.status().message()), index);
  }
  if (log_.last.has_value() && parsed->time < *log_.last) {
    return Failed("leaf time: it is before the previous leaf's", index);
  }
  log_.first = log_.first.value_or(parsed->time);
  log_.last = parsed->time;
  ++log_.by_class[EnumText(parsed->header.event_class())];
  tree_.Append(merkle::HashLeaf(leaf), nullptr);
  return CheckOlder();
}

absl::StatusOr<VerifiedLog> LogVerifier::Finish() const {
  if (tree_.size() != log_.checkpoint.size) {
    return absl::DataLossError(
        absl::StrCat("leaf count: ", tree_.size(), " leaves, the checkpoint says ", log_.checkpoint.size));
  }
  if (tree_.root() != log_.checkpoint.root) {
    return absl::DataLossError("root: the leaves do not give the root that was signed");
  }
  return log_;
}

std::string ExportHeader(const std::string& origin, const std::string& checkpoint) {
  const nlohmann::json header = {{"format", kFormat}, {"origin", origin}, {"checkpoint", checkpoint}};
  return header.dump() + "\n";
}

void WriteLeaf(std::ostream& out, std::string_view leaf) {
  const auto length = static_cast<uint32_t>(leaf.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.put(static_cast<char>((length >> static_cast<unsigned>(shift)) & 0xFFU));
  }
  out.write(leaf.data(), static_cast<std::streamsize>(leaf.size()));
}

bool LooksLikeExport(std::string_view first_line) {
  const nlohmann::json header = nlohmann::json::parse(first_line, nullptr, false);
  return header.is_object() && header.value("format", nlohmann::json()) == kFormat;
}

absl::StatusOr<VerifiedLog> VerifyExport(std::istream& in, std::span<const merkle::NoteVerifier> verifiers) {
  std::string line;
  std::getline(in, line);
  const nlohmann::json header = nlohmann::json::parse(line, nullptr, false);
  if (!LooksLikeExport(line) || !header.contains("checkpoint") || !header["checkpoint"].is_string() ||
      !header.contains("origin") || !header["origin"].is_string()) {
    return absl::InvalidArgumentError("the file is not an export: its first line is not a header");
  }
  const std::string origin = header["origin"];
  const std::string checkpoint = header["checkpoint"];
  if (line + "\n" != ExportHeader(origin, checkpoint) || in.eof()) {
    return absl::InvalidArgumentError("the file is not an export: its header is not spelt as one");
  }
  ASSIGN_OR_RETURN(LogVerifier verifier, LogVerifier::Open(checkpoint, verifiers));
  if (verifier.checkpoint().origin != origin) {
    return absl::DataLossError("origin: the header and the checkpoint name two logs");
  }
  std::string leaf;
  for (uint64_t index = 0;; ++index) {
    ASSIGN_OR_RETURN(const bool more, ReadLeaf(in, index, leaf));
    if (!more) {
      return verifier.Finish();
    }
    RETURN_IF_ERROR(verifier.Add(leaf));
  }
}

}  // namespace relais::cli
