#include "common/crypto/file_key_ring.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/aead.h"
#include "common/crypto/encoding.h"
#include "common/crypto/private_file.h"
#include "common/crypto/text.h"

namespace relais::crypto {
namespace {

using internal::FolderLock;
using internal::KeyTable;
using internal::Split;
using internal::ToAbsl;

constexpr std::string_view kFormat = "relais-keyring/1";
constexpr std::string_view kDestroyed = "destroyed";
constexpr size_t kMaxFile = 16U << 20;

std::string MasterAad() { return absl::StrCat(ToAbsl(kFormat), "|master"); }
std::string KeyAad(std::string_view name, uint32_t version) {
  return absl::StrCat(ToAbsl(kFormat), "|", ToAbsl(name), "|", version);
}

absl::Status Damaged(const std::string& path, size_t line) {
  return absl::DataLossError(absl::StrCat("key ring ", path, ": line ", line, " is damaged"));
}

// Fails only when the bytes are no ring of ours; a wrong master is told apart by the caller.
absl::StatusOr<Secret> OpenField(const Secret& master, std::string_view aad, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string sealed, Base64Decode(field));
  ASSIGN_OR_RETURN(std::string key, OpenRandom(master, aad, sealed));
  return Secret(std::move(key));
}

absl::Status ParseKeyLine(std::string_view line, const Secret& master, KeyTable& table) {
  const std::vector<std::string_view> fields = Split(line, ' ');
  if (fields.size() != 3) {
    return absl::InvalidArgumentError("not a key line");
  }
  ASSIGN_OR_RETURN(const uint64_t number, ParseDecimal(fields[1]));
  if (number > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("not a version");
  }
  const auto version = static_cast<uint32_t>(number);
  if (fields[2] == kDestroyed) {
    return table.PutDestroyed(fields[0], version);
  }
  ASSIGN_OR_RETURN(const Secret key, OpenField(master, KeyAad(fields[0], version), fields[2]));
  return table.Put(fields[0], version, key);
}

absl::StatusOr<KeyTable> Parse(const std::string& path, std::string_view text, const Secret& master) {
  std::vector<std::string_view> lines = Split(text, '\n');
  if (lines[0] != kFormat) {
    return absl::DataLossError(absl::StrCat(path, " is not a ", ToAbsl(kFormat), " file"));
  }
  // The last newline is the sign that nothing was cut off.
  if (lines.size() < 3 || !lines.back().empty()) {
    return Damaged(path, lines.size());
  }
  const std::vector<std::string_view> check = Split(lines[1], ' ');
  if (check.size() != 2 || check[0] != "master") {
    return Damaged(path, 2);
  }
  if (!OpenField(master, MasterAad(), check[1]).ok()) {
    return absl::FailedPreconditionError(absl::StrCat("key ring ", path, ": wrong master key"));
  }
  KeyTable table;
  for (size_t i = 2; i + 1 < lines.size(); ++i) {
    if (!ParseKeyLine(lines[i], master, table).ok()) {
      return Damaged(path, i + 1);
    }
  }
  return table;
}

bool SameKeys(const KeyTable& a, const KeyTable& b) {
  return std::equal(
      a.rows().begin(), a.rows().end(), b.rows().begin(), b.rows().end(), [](const auto& x, const auto& y) {
        return x.first == y.first && ConstantTimeEqual(x.second.ExposeSecret(), y.second.ExposeSecret());
      });
}

absl::Status CheckMaster(const Secret& master) {
  return master.size() < kAeadMinKeySize ? absl::InvalidArgumentError("master key shorter than 32 bytes")
                                         : absl::OkStatus();
}

absl::Status AsStatus(const absl::Status& status) { return status; }
template <typename T>
absl::Status AsStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FileKeyRing>> FileKeyRing::Open(std::string path, const Secret& master,
                                                               Random& random) {
  RETURN_IF_ERROR(CheckMaster(master));
  std::unique_ptr<FileKeyRing> ring(new FileKeyRing(std::move(path), master, random));
  RETURN_IF_ERROR(ring->Reload());
  return ring;
}

absl::StatusOr<std::unique_ptr<FileKeyRing>> FileKeyRing::Create(std::string path, const Secret& master,
                                                                 Random& random) {
  std::unique_ptr<FileKeyRing> ring(new FileKeyRing(std::move(path), master, random));
  ASSIGN_OR_RETURN(const std::string text, ring->Format(ring->table_, ring->master_));
  ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Take(ring->path_, FolderLock::kExclusive));
  RETURN_IF_ERROR(internal::CreatePrivateFile(ring->path_, text));
  return ring;
}

absl::StatusOr<Secret> FileKeyRing::Get(std::string_view name, uint32_t version) const {
  std::lock_guard lock(mu_);
  return table_.Get(name, version);
}

absl::StatusOr<uint32_t> FileKeyRing::Latest(std::string_view name) const {
  std::lock_guard lock(mu_);
  return table_.Latest(name);
}

std::vector<KeyVersion> FileKeyRing::List() const {
  std::lock_guard lock(mu_);
  return table_.List();
}

absl::StatusOr<uint32_t> FileKeyRing::Add(std::string_view name, const Secret& secret) {
  return Mutate([&](KeyTable& table) { return table.Add(name, secret); });
}

absl::Status FileKeyRing::Put(std::string_view name, uint32_t version, const Secret& secret) {
  return Mutate([&](KeyTable& table) { return table.Put(name, version, secret); });
}

absl::Status FileKeyRing::Destroy(std::string_view name, uint32_t version) {
  return Mutate([&](KeyTable& table) { return table.Destroy(name, version); });
}

absl::Status FileKeyRing::Reload() {
  std::lock_guard lock(mu_);
  ASSIGN_OR_RETURN(const FolderLock folder, FolderLock::Take(path_, FolderLock::kShared));
  ASSIGN_OR_RETURN(table_, Load());
  return absl::OkStatus();
}

absl::Status FileKeyRing::Rewrap(const Secret& master) {
  RETURN_IF_ERROR(CheckMaster(master));
  std::lock_guard lock(mu_);
  ASSIGN_OR_RETURN(const FolderLock folder, FolderLock::Take(path_, FolderLock::kExclusive));
  ASSIGN_OR_RETURN(KeyTable table, Load());
  ASSIGN_OR_RETURN(const std::string text, Format(table, master));
  const absl::StatusOr<KeyTable> opened = Parse(path_, text, master);
  if (!opened.ok() || !SameKeys(*opened, table)) {
    return absl::InternalError(absl::StrCat("key ring ", path_, " would not open anew: it is as it was"));
  }
  RETURN_IF_ERROR(internal::ReplacePrivateFile(path_, text));
  master_ = master;
  table_ = std::move(table);
  return absl::OkStatus();
}

absl::StatusOr<KeyTable> FileKeyRing::Load() const {
  ASSIGN_OR_RETURN(const std::string text, internal::ReadPrivateFile(path_, kMaxFile));
  return Parse(path_, text, master_);
}

absl::StatusOr<std::string> FileKeyRing::Format(const KeyTable& table, const Secret& master) const {
  ASSIGN_OR_RETURN(const std::string check, SealRandom(random_, master, MasterAad(), ""));
  std::string text = absl::StrCat(ToAbsl(kFormat), "\nmaster ", Base64Encode(check), "\n");
  for (const auto& [key, secret] : table.rows()) {
    absl::StrAppend(&text, key.name, " ", key.version, " ");
    if (secret.empty()) {
      absl::StrAppend(&text, ToAbsl(kDestroyed), "\n");
      continue;
    }
    ASSIGN_OR_RETURN(const std::string sealed,
                     SealRandom(random_, master, KeyAad(key.name, key.version), secret.ExposeSecret()));
    absl::StrAppend(&text, Base64Encode(sealed), "\n");
  }
  return text;
}

template <typename Change>
auto FileKeyRing::Mutate(Change change) -> decltype(change(std::declval<KeyTable&>())) {
  std::lock_guard lock(mu_);
  ASSIGN_OR_RETURN(const FolderLock folder, FolderLock::Take(path_, FolderLock::kExclusive));
  ASSIGN_OR_RETURN(KeyTable next, Load());
  auto result = change(next);
  RETURN_IF_ERROR(AsStatus(result));
  ASSIGN_OR_RETURN(const std::string text, Format(next, master_));
  RETURN_IF_ERROR(internal::ReplacePrivateFile(path_, text));
  table_ = std::move(next);
  return result;
}

}  // namespace relais::crypto
