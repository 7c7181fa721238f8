// What is stored, as answers have it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "relais/vault/v1/document_service.pb.h"
#include "relais/vault/v1/host_service.pb.h"
#include "relais/vault/v1/share_service.pb.h"
#include "services/vault/domain/request_rules.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/events.h"
#include "services/vault/store.h"

namespace relais::vault {

/// Of a row's version; empty for none.
[[nodiscard]] std::string EtagOf(uint64_t version);

/// With all versions; `only_current`: the last alone, and neither her title's etag nor more than who reads by
/// a share sees.
[[nodiscard]] v1::Document DocumentOf(const Id128& id, const Stored<v1::StoredDocument>& document,
                                      bool only_current = false);
/// Of one under way, with the hash that was declared: for its depositor alone.
[[nodiscard]] v1::Upload UploadOf(const Id128& id, const v1::StoredUpload& upload, const ContentHead* head,
                                  const UploadRules& rules);
/// Of one that is over.
[[nodiscard]] v1::Upload UploadOf(const Id128& id, const v1::StoredUploadEnd& end);
/// `lease`: on consent's log. `ref`: the person, as the caller names her.
[[nodiscard]] v1::Share ShareOf(const Id128& id, const Stored<v1::StoredShare>& share,
                                const common::v1::PersonRef& ref, absl::Time now, bool lease);
[[nodiscard]] v1::DocumentRequest RequestOf(const Id128& id, const Stored<v1::StoredRequest>& request,
                                            const common::v1::PersonRef& ref, absl::Time now,
                                            const RequestRules& rules);
[[nodiscard]] v1::Host HostOf(std::string_view institution, const v1::StoredHost& host, absl::Time now);

/// Those that act for her now, in the rows' order.
[[nodiscard]] std::vector<ActiveHost> ActiveHostsOf(const std::vector<VaultStore::HostRow>& rows,
                                                    absl::Time now);

/// As whom an act was done.
[[nodiscard]] common::v1::Party PartyOf(const rpc::Actor& actor);

[[nodiscard]] absl::CivilDay DayOf(const common::v1::Date& date);
[[nodiscard]] common::v1::Date DateOf(absl::CivilDay day);

}  // namespace relais::vault
