// What tests do with papers: read them, share them, ask for them, each as one line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/vault/handlers/host_handlers.h"
#include "services/vault/handlers/journal_handlers.h"
#include "services/vault/handlers/metadata_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/handlers/request_handlers.h"
#include "services/vault/handlers/share_handlers.h"
#include "services/vault/testing/world.h"

namespace relais::vault::testing {

using Client = Collected<v1::DownloadResponse>;

inline v1::DownloadRequest ReadOf(World& world, const std::string& institution, uint64_t person,
                                  const std::string& document) {
  v1::DownloadRequest request;
  *request.mutable_person() = world.Handle(institution, person);
  request.set_document_id(document);
  return request;
}

/// A reading to its end.
struct Got {
  absl::Status status;
  std::string bytes;
  v1::DownloadStart start;
};
inline Got Download(World& world, const std::string& institution, const v1::DownloadRequest& request) {
  auto client = std::make_shared<Client>(world.sim());
  Got got;
  got.status = world.Run(world.service().readings().Download(world.As(institution), request, client));
  for (const v1::DownloadResponse& message : client->got) {
    if (message.has_start()) {
      got.start = message.start();
    }
    got.bytes += message.data();
  }
  return got;
}
inline Got Download(World& world, const std::string& institution, uint64_t person,
                    const std::string& document) {
  return Download(world, institution, ReadOf(world, institution, person, document));
}

/// A reading under way, of a client that takes `each` for a message.
struct Running {
  std::shared_ptr<Client> client;
  std::optional<absl::Status> ended;  // the handler returned
};
inline std::shared_ptr<Running> BeginDownload(World& world, const std::string& institution, uint64_t person,
                                              const std::string& document, absl::Duration each) {
  auto running = std::make_shared<Running>();
  running->client = std::make_shared<Client>(world.sim());
  running->client->each = each;
  relais::Start(world.service().readings().Download(
                    world.As(institution), ReadOf(world, institution, person, document), running->client),
                [running](absl::Status status) { running->ended = std::move(status); });
  return running;
}

inline common::v1::ErrorReason ReasonOf(const absl::Status& status) { return rpc::ReasonOf(status); }

/// The payloads of this class in the service's log, oldest first.
template <typename Payload>
std::vector<Payload> Payloads(World& world, audit::v1::EventClass event_class) {
  std::vector<Payload> out;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == event_class) {
      out.push_back(PayloadOf<Payload>(leaf.details).value());
    }
  }
  return out;
}

/// She withdraws the agreement that everything stands on.
inline void Withdraws(World& world, uint64_t person) {
  consent::v1::ConsentWithdrawn withdrawn;
  withdrawn.set_consent_id(world.consent.agreement);
  world.ConsentSays(person, audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, withdrawn);
}

/// She records the agreement that consent answers with from now on.
inline void Agrees(World& world, uint64_t person, const std::string& agreement) {
  consent::v1::ConsentRecorded recorded;
  recorded.mutable_consent()->set_consent_id(agreement);
  world.ConsentSays(person, audit::v1::EVENT_CLASS_CONSENT_RECORDED, recorded);
  world.consent.agreement = agreement;
}

/// Two names are one human from now on; to be followed yet (Settle).
inline void AreOne(World& world, uint64_t stays, uint64_t comes) {
  consent::v1::PersonsLinked payload;
  payload.set_link_id(World::Person(500).ToHex());
  world.ConsentSays(comes, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);
  payload.set_canonical_id(World::Person(stays).ToBytes());
  payload.set_linked_id(World::Person(comes).ToBytes());
  world.ConsentSays(stays, audit::v1::EVENT_CLASS_PERSONS_LINKED, payload);
}

inline v1::ShareRequest ShareOfPaper(World& world, uint64_t person, const std::string& document,
                                     const std::string& request_id = "share-1") {
  v1::ShareRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = world.Handle(kHost, person);
  request.set_document_id(document);
  request.mutable_recipient()->set_institution(kReader);
  request.set_purpose("RIGHTS_OPENING");
  *request.mutable_until() = ToProto(world.sim().Now() + absl::Hours(24 * 30));
  request.set_consent_id(world.consent.agreement);
  return request;
}

}  // namespace relais::vault::testing
