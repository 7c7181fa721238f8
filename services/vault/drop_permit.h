// What a paper that is dropped in rests on while it is made visible: consent's answer, what was followed
// since, and the row of the host it is for (ADR 35, ADR 45, ADR 74).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/open_streams.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// A drop, as consent is asked about it.
struct DropTerms {
  Id128 person;
  Id128 document;  // zero: it has none yet
  common::v1::Party depositor;
  common::v1::Party host;
  std::string purpose;
  v1::DocumentType type = v1::DOCUMENT_TYPE_UNSPECIFIED;
};

/// Asks whether a drop may be stored: true on an agreement of hers, whichever (D-3.1 knows no other ground).
/// An error when consent cannot be asked. Whether that host acts for her is not looked at, so that neither
/// the answer nor the time it takes tells who her hosts are. `recorded` false: a dry run.
Task<absl::StatusOr<bool>> MayStore(const Vault& vault, DropTerms terms, bool recorded);

/// Consent's answer about a drop, recorded, and what it was overtaken by.
struct AskedDrop {
  bool permitted = false;
  /// On the list since before consent was asked: a leaf of consent's log that may say otherwise and was
  /// followed since then cuts it, and so does a lease that is lost. To be looked at while a ticket of
  /// Access::linking is held, which is kept until the row is there.
  std::shared_ptr<OpenReading> watch;
};
/// As MayStore.
Task<absl::StatusOr<AskedDrop>> AskAbout(const Vault& vault, DropTerms terms);

/// The row of that institution, while it acts for her; nullopt: it does not, or its row does not open. What
/// makes a drop visible guards it.
[[nodiscard]] absl::StatusOr<std::optional<Stored<v1::StoredHost>>> ActingHost(const Vault& vault,
                                                                               const Id128& person,
                                                                               std::string_view institution);

}  // namespace relais::vault
