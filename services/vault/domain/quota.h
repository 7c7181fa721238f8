// How much a vault holds. What a person has is a row that every act guards; what an institution deposited is
// a derived count (ADR 34). Pure: each function gives what the row is to be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relais/vault/v1/state.pb.h"
#include "services/vault/domain/refusal.h"

namespace relais::vault {

/// Settings `limits.*` of the service.
struct Limits {
  uint64_t document_bytes = uint64_t{2} << 30;
  uint64_t person_bytes = uint64_t{10} << 30;
  uint32_t person_documents = 1000;  // versions count each
  uint32_t person_open_uploads = 16;
  uint64_t institution_bytes = uint64_t{4} << 40;
};

/// An upload of `size` bytes begins: TOO_LARGE, QUOTA_EXCEEDED, or nullopt and `usage` reserves it.
/// `institution`: what is known of the depositor's at this moment.
[[nodiscard]] Refusal Reserve(const Limits& limits, const v1::InstitutionUsage& institution, uint64_t size,
                              v1::StoredUsage& usage);

/// Of the uploads under way in her vault, those of institutions that are not her host (drops), and of her
/// papers those that were dropped in and wait (PENDING_CONSENT).
struct DropsUnderWay {
  uint32_t open = 0;
  uint64_t reserved_bytes = 0;
  uint32_t by_depositor = 0;  // of `open`, by the institution that begins one more
  uint32_t waiting = 0;       // versions
  uint64_t waiting_bytes = 0;
};
/// Counting them: all that is under way by her row, then each upload by itself, of which those of her hosts
/// are taken off. So what does not read counts as a drop.
[[nodiscard]] DropsUnderWay AllUnderWay(const v1::StoredUsage& usage);
void CountUpload(const v1::StoredUpload& upload, std::string_view depositor, DropsUnderWay& drops);
/// Whatever the paper's state.
void CountPaper(const v1::StoredDocument& document, DropsUnderWay& drops);
/// Of one institution so many drops may be under way in a vault.
inline constexpr uint32_t kDropsOfOne = 2;
/// One in so many of `person_open_uploads` (at least one) may be under way as drops, and of
/// `person_documents` (at least one) and `person_bytes` be under way or wait: who drops in never keeps her
/// hosts from depositing.
inline constexpr uint32_t kDropsShare = 4;
/// As Reserve, of a drop; QUOTA_EXCEEDED also past what drops may hold.
[[nodiscard]] Refusal ReserveDrop(const Limits& limits, const v1::InstitutionUsage& institution,
                                  const DropsUnderWay& drops, uint64_t size, v1::StoredUsage& usage);

/// Of a QUOTA_EXCEEDED of Reserve: which setting it is, of what, and how much is free, in words for her host;
/// of several the first. Empty: none holds it back.
[[nodiscard]] std::string FullLimit(const Limits& limits, const v1::InstitutionUsage& institution,
                                    uint64_t size, const v1::StoredUsage& usage);
/// An upload ends without a paper.
void Release(uint64_t size, v1::StoredUsage& usage);
/// An upload becomes a version: what was reserved is kept. `new_document`: it is the paper's first one.
void Keep(uint64_t size, bool new_document, v1::StoredUsage& usage);
/// A paper with these versions and bytes is destroyed.
void Free(uint32_t versions, uint64_t bytes, v1::StoredUsage& usage);

/// Counting anew: a paper that is kept, with all its versions, and an upload under way of `size` bytes.
void AddPaper(const v1::StoredDocument& document, v1::StoredUsage& usage);
void AddUnderWay(uint64_t size, v1::StoredUsage& usage);

/// What may still be deposited; 0 rather than less.
[[nodiscard]] uint64_t BytesLeft(const Limits& limits, const v1::StoredUsage& usage);
[[nodiscard]] uint32_t DocumentsLeft(const Limits& limits, const v1::StoredUsage& usage);

}  // namespace relais::vault
