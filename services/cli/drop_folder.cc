#include "services/cli/drop_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "common/feeds/reader.h"
#include "common/pki/file.h"
#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostControlBytes = 4096;
constexpr mode_t kPublic = 0644;
constexpr size_t kBlock = 1 << 16;
constexpr size_t kDigestDigits = 64;

absl::StatusOr<uint64_t> Number(const std::map<std::string, std::string>& values, const std::string& key) {
  const absl::StatusOr<uint64_t> number = crypto::ParseDecimal(values.at(key));
  return number.ok() ? number : absl::InvalidArgumentError(key + " is not a number");
}

absl::Status Truncated(const std::string& what) { return absl::DataLossError("TRUNCATED: " + what); }

absl::StatusOr<std::string> DigestOfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  crypto::Sha256Hasher hasher;
  std::string block(kBlock, '\0');
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    hasher.Update(std::string_view(block).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (!file.eof()) {
    return Truncated("the file cannot be read");
  }
  return crypto::HexEncode(hasher.Finish());
}

absl::StatusOr<uint64_t> CountRows(feeds::FeedType type, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // Rows are counted whatever their encoding: no byte of one is a line end in the other.
  auto reader = feeds::OpenFeed(type, file, feeds::Encoding::kUtf8);
  if (!reader.ok()) {
    return reader.status();
  }
  feeds::RawRow row;
  for (uint64_t rows = 0;; ++rows) {
    ASSIGN_OR_RETURN(const bool more, (*reader)->Next(row));
    if (!more) {
      return rows;
    }
  }
}

absl::Status Move(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return error ? absl::UnavailableError(
                     absl::StrCat("cannot move ", from.filename().string(), ": ", error.message()))
               : absl::OkStatus();
}

}  // namespace

struct DropFolder::Candidate {
  std::string name;  // "2026-11-03"
  fs::path data;
  fs::path control_path;
  ControlFile control;
};

absl::StatusOr<ControlFile> ParseControlFile(std::string_view text) {
  std::map<std::string, std::string> values;
  const std::vector<std::string> lines = absl::StrSplit(std::string(text), '\n');
  for (const std::string& line : lines) {
    const std::string bare(absl::StripAsciiWhitespace(line));
    if (bare.empty() || bare[0] == '#') {
      continue;
    }
    const size_t at = bare.find_first_of(":=");
    if (at == std::string::npos) {
      return absl::InvalidArgumentError("a line is not key: value");
    }
    const std::string key(absl::StripAsciiWhitespace(bare.substr(0, at)));
    std::string value(absl::StripAsciiWhitespace(bare.substr(at + 1)));
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    static const char* const kKeys[] = {"type", "version", "rows", "sha256", "seq"};
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys) ||
        !values.emplace(key, std::move(value)).second) {
      return absl::InvalidArgumentError("a key is unknown or repeated");
    }
  }
  for (const char* key : {"type", "version", "rows", "sha256", "seq"}) {
    if (!values.contains(key)) {
      return absl::InvalidArgumentError(absl::StrCat(key, " is missing"));
    }
  }
  ControlFile control;
  const std::optional<feeds::FeedType> type = feeds::ParseFeedType(values["type"]);
  if (!type.has_value()) {
    return absl::InvalidArgumentError("type is neither edf nor bspp");
  }
  control.type = *type;
  ASSIGN_OR_RETURN(control.version, Number(values, "version"));
  ASSIGN_OR_RETURN(control.rows, Number(values, "rows"));
  ASSIGN_OR_RETURN(control.seq, Number(values, "seq"));
  control.sha256 = absl::AsciiStrToLower(values["sha256"]);
  if (control.sha256.size() != kDigestDigits || !crypto::HexDecode(control.sha256).ok()) {
    return absl::InvalidArgumentError("sha256 is not 64 hexadecimal digits");
  }
  if (control.version != 1) {
    return absl::InvalidArgumentError("this program reads version 1 of the formats");
  }
  return control;
}

absl::Status MatchControl(const ControlFile& control, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string digest, DigestOfFile(path));
  if (digest != control.sha256) {
    return Truncated("its sha256 is not the control file's");
  }
  const absl::StatusOr<uint64_t> rows = CountRows(control.type, path);
  // A file that is refused whole is the import's to refuse, in its own words.
  if (rows.ok() && *rows != control.rows) {
    return Truncated(absl::StrCat("it has ", *rows, " rows, the control file says ", control.rows));
  }
  return absl::OkStatus();
}

std::string DropFolder::SequencePath(feeds::FeedType type) const {
  return absl::StrCat(out_, "/.seq-", std::string(feeds::FeedTypeName(type)));
}

std::vector<DropFolder::Candidate> DropFolder::Find(DropPass& pass) const {
  std::vector<Candidate> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(in_, error)) {
    if (entry.path().extension() != ".ctl") {
      continue;
    }
    Candidate candidate{entry.path().stem().string(), {}, entry.path(), {}};
    const auto text = pki::ReadWholeFile(entry.path().string(), kMostControlBytes);
    const auto control = text.ok() ? ParseControlFile(*text) : text.status();
    if (!control.ok()) {
      pass.messages.push_back(absl::StrCat(candidate.name, ".ctl: ", control.status().message()));
      pass.code = std::max<int>(pass.code, kExitIncomplete);
      continue;
    }
    candidate.control = *control;
    const char* extension = control->type == feeds::FeedType::kEdf ? ".csv" : ".ndjson";
    candidate.data = fs::path(in_) / (candidate.name + extension);
    if (!fs::exists(candidate.data, error)) {
      continue;  // still to come
    }
    found.push_back(std::move(candidate));
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.control.type, a.control.seq, a.name) < std::tie(b.control.type, b.control.seq, b.name);
  });
  return found;
}

std::optional<uint64_t> DropFolder::LastTaken(feeds::FeedType type) const {
  const auto text = pki::ReadWholeFile(SequencePath(type), kMostControlBytes);
  if (!text.ok()) {
    return std::nullopt;
  }
  const auto last = crypto::ParseDecimal(std::string(absl::StripAsciiWhitespace(*text)));
  return last.ok() ? std::optional(*last) : std::nullopt;
}

// A lost file is not an empty night.
void DropFolder::CheckSequence(const Candidate& candidate, DropPass& pass) const {
  const std::optional<uint64_t> last = LastTaken(candidate.control.type);
  if (!last.has_value()) {
    return;  // the first file
  }
  if (candidate.control.seq > *last + 1) {
    const uint64_t from = *last + 1;
    const uint64_t to = candidate.control.seq - 1;
    pass.messages.push_back(absl::StrCat(candidate.name, ": GAP: seq ", from,
                                         from == to ? " is" : absl::StrCat(" to ", to, " are"), " missing"));
  } else if (candidate.control.seq <= *last) {
    pass.messages.push_back(
        absl::StrCat(candidate.name, ": seq ", candidate.control.seq, " comes after ", *last));
  }
}

void DropFolder::Take(const Candidate& candidate, DropPass& pass) const {
  const std::string file = candidate.data.filename().string();
  const fs::path out = fs::path(out_) / file;
  std::error_code error;
  if (fs::exists(out, error)) {
    pass.messages.push_back(file + ": was taken already; left where it is");
    pass.code = std::max<int>(pass.code, kExitIncomplete);
    return;
  }
  if (const absl::Status match = MatchControl(candidate.control, candidate.data.string()); !match.ok()) {
    pass.messages.push_back(absl::StrCat(file, ": ", match.message()));
    pass.code = std::max<int>(pass.code, kExitIncomplete);
    return;
  }
  CheckSequence(candidate, pass);
  const DropImport done = import_(candidate.control, candidate.data.string(), out.string() + ".results.csv",
                                  out.string() + ".refused.csv");
  pass.messages.push_back(absl::StrCat(file, ": ", done.message));
  pass.code = std::max(pass.code, done.code);
  if (done.code != kExitOk && done.code != kExitRowsRefused && done.code != kExitFileRefused) {
    return;  // the next pass sends it again
  }
  absl::Status kept = absl::OkStatus();
  if (done.code == kExitFileRefused) {
    kept = pki::WriteFileDurably(out.string() + ".error", done.message + "\n", kPublic);
  }
  kept.Update(Move(candidate.data, out));
  kept.Update(Move(candidate.control_path, fs::path(out_) / candidate.control_path.filename()));
  // A file that comes late leaves the count where it is.
  const uint64_t seq = std::max(candidate.control.seq, LastTaken(candidate.control.type).value_or(0));
  kept.Update(pki::WriteFileDurably(SequencePath(candidate.control.type), absl::StrCat(seq, "\n"), kPublic));
  if (!kept.ok()) {
    pass.messages.push_back(absl::StrCat(file, ": ", kept.message()));
    pass.code = std::max<int>(pass.code, kExitIncomplete);
  }
  ++pass.taken;
}

absl::StatusOr<DropPass> DropFolder::Pass() {
  std::error_code error;
  if (!fs::is_directory(in_, error) || !fs::is_directory(out_, error)) {
    return absl::InvalidArgumentError("--watch and --out want two folders that exist");
  }
  DropPass pass;
  for (const Candidate& candidate : Find(pass)) {
    Take(candidate, pass);
  }
  return pass;
}

}  // namespace relais::cli
