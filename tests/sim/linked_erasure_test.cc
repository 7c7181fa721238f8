// Two names of one human are erased in the registry: routing and alerting, as they are, erase both, and the
// registry destroys her keys only then (ADR 41). The three services' cores in one process, each on its own
// log and store in virtual time; the registry's log and calls reach the others at once, or not at all.
#include <gmock/gmock.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/proto_time.h"
#include "common/directory/testing/sample.h"
#include "common/rpc/testing/simulated_service.h"
#include "relais/consent/v1/events.pb.h"
#include "services/alerting/testing/world.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/service.h"
#include "services/routing/service.h"

namespace relais::sim {
namespace {

using feeds::EdfColumn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A Monday morning, so that desks are open.
const absl::Time kStart = absl::FromUnixSeconds(1795428000);
// Enough for every retry and timer that is under way to come to its end.
constexpr absl::Duration kEnd = absl::Seconds(30);

void Require(const absl::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "linked_erasure_test: %s\n", status.ToString().c_str());
    std::abort();
  }
}

// A log, whichever process has it, as a peer is shown it.
class Tail final : public audit::TailSource {
 public:
  Tail(audit::testing::LogHarness& disk, audit::Log::Wanted shown) : disk_(disk), shown_(std::move(shown)) {}
  Task<absl::StatusOr<std::vector<audit::FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                              absl::Duration wait) override {
    const std::unique_ptr<audit::TailSource> source = audit::LocalSource(disk_.log(), shown_);
    absl::StatusOr<std::vector<audit::FollowedLeaf>> leaves = co_await source->Read(from, limit, wait);
    co_return leaves;
  }
  Task<absl::StatusOr<audit::LogState>> Probe(std::string /*nonce*/) override {
    co_return disk_.log().state();
  }

 private:
  audit::testing::LogHarness& disk_;
  const audit::Log::Wanted shown_;
};

template <typename Response>
Task<absl::StatusOr<Response>> Down() {
  co_return absl::UnavailableError("down");
}

template <typename Service>
struct Machine {
  Machine(testing::SimExecutor& sim, std::string a_name, uint64_t seed)
      : name(std::move(a_name)), disk(sim, OptionsOf(name, seed)) {}
  static audit::testing::HarnessOptions OptionsOf(const std::string& name, uint64_t seed) {
    audit::testing::HarnessOptions options;
    options.origin = "relais.test/" + name + "/1";
    options.seed = seed;
    options.start = kStart;
    options.store.commit_delay = [] { return absl::Milliseconds(1); };  // so that instants tell an order
    return options;
  }
  Service& service() { return *services.back(); }
  audit::Maintenance& maintenance() { return *maintenances.back(); }
  const rpc::ServiceContext& context() const { return *contexts.back(); }
  void Clear() {
    services.clear();
    contexts.clear();
    maintenances.clear();
  }

  const std::string name;
  rpc::testing::PeerLog disk;
  // Coroutines of a dead process may still look at what they were given.
  std::vector<std::unique_ptr<audit::Maintenance>> maintenances;
  std::vector<std::unique_ptr<rpc::ServiceContext>> contexts;
  std::vector<std::unique_ptr<Service>> services;
};

class Suite {
 public:
  explicit Suite(uint64_t seed = 1)
      : sim(seed, kStart),
        at_consent(sim, "consent", seed),
        at_routing(sim, "routing", seed + 1000),
        at_alerting(sim, "alerting", seed + 2000),
        suppression_(ring_),
        idempotency_(Secret(std::string(32, 'i'))),
        directory_(directory::testing::SampleDirectory()) {
    Require(ring_.Add("handle", Secret(std::string(64, 'h'))).status());
    Require(ring_.Add(identity::SuppressionKeyName("edf"), Secret(std::string(32, 's'))).status());
    absl::StatusOr<identity::HandleCodec> handles = identity::HandleCodec::Create(ring_, {}, sim);
    Require(handles.status());
    handles_.emplace(*std::move(handles));
    BootConsent();
    BootRouting();
    BootAlerting();
    Settle(absl::Seconds(2));
  }
  ~Suite() {
    Stop(at_alerting);
    Stop(at_routing);
    Stop(at_consent);
    at_alerting.Clear();
    at_routing.Clear();
    at_consent.Clear();
  }
  Suite(const Suite&) = delete;
  Suite& operator=(const Suite&) = delete;

  void Settle(absl::Duration time = absl::Seconds(10)) { sim.RunFor(time); }
  void RestartConsent() {
    Die(at_consent);
    BootConsent();
  }
  void RestartRouting() {
    Die(at_routing);
    BootRouting();
  }

  // ---- what happens

  /// A cut of electricity of each, by EDF's file: alerting registers them and routing has a message of each.
  std::vector<Id128> TwoCuts() {
    alerting::v1::SubmitRowsRequest request;
    request.set_type(alerting::v1::FEED_TYPE_EDF);
    *request.add_rows() = alerting::testing::Cut("E1", {{EdfColumn::kDateEvenement, "2026-11-10"}});
    *request.add_rows() =
        alerting::testing::Cut("E2", {{EdfColumn::kDateEvenement, "2026-11-10"}, {EdfColumn::kNom, "Autre"}});
    const auto submitted = at_consent.disk.Run(
        at_alerting.service().signals().SubmitRows(CallOf("edf", "billing"), std::move(request)));
    Require(submitted.status());
    Settle();
    std::vector<Id128> persons;
    for (const audit::OpenedLeaf& leaf : LeavesOf(at_consent)) {
      consent::v1::PersonRegistered registered;
      const bool is_hers = leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON;
      if (is_hers && leaf.details.payload().UnpackTo(&registered)) {
        persons.push_back(*Id128::FromBytes(leaf.details.subject().id()));
      }
    }
    return persons;
  }
  void Link(const Id128& one, const Id128& other) {
    consent::LinkWish wish;
    wish.one = one;
    wish.other = other;
    wish.link = audit::testing::Person(77).id;
    wish.cause = consent::v1::LINK_CAUSE_MERGED;
    wish.at = sim.Now();
    wish.event.institution = "service/consent";
    wish.event.directory_version = directory_->version();
    const absl::StatusOr<consent::Linked> linked =
        at_consent.disk.Run(consent::LinkPersons(at_consent.service().registry().files(), std::move(wish)));
    Require(linked.status());
    Require(consent::LinkRefusal(linked->result));
  }
  std::string Erase(const Id128& person) {
    consent::v1::EraseRequest request;
    request.set_request_id("erase-1");
    *request.mutable_person() = rpc::HandleFor(at_consent.context(), "ville-paris", person);
    request.set_cause(consent::v1::ERASURE_CAUSE_REQUEST);
    const auto erased = at_consent.disk.Run(
        at_consent.service().erasures().Erase(CallOf("ville-paris", "steward"), std::move(request)));
    Require(erased.status());
    return erased->erasure_id();
  }
  Id128 PlaceHold(const Id128& person) {
    consent::v1::PlaceHoldRequest request;
    request.set_request_id("hold-1");
    *request.mutable_person() = rpc::HandleFor(at_consent.context(), "ville-paris", person);
    request.set_order_reference("RG 26/1");
    *request.mutable_until() = ToProto(sim.Now() + absl::Hours(24 * 365));
    const auto placed = at_consent.disk.Run(
        at_consent.service().holds().PlaceHold(CallOf("ville-paris", "steward"), std::move(request)));
    Require(placed.status());
    return *Id128::FromHex(placed->hold_id());
  }

  // ---- what is there

  template <typename Service>
  static std::vector<audit::OpenedLeaf> LeavesOf(Machine<Service>& machine) {
    auto leaves = machine.disk.log().ReadOpened(0, 100'000);
    Require(leaves.status());
    return *std::move(leaves);
  }
  /// When the log says ERASED, each time.
  template <typename Service>
  static std::vector<absl::Time> Erased(Machine<Service>& machine) {
    std::vector<absl::Time> times;
    for (const audit::OpenedLeaf& leaf : LeavesOf(machine)) {
      if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASED) {
        times.push_back(leaf.leaf.time);
      }
    }
    return times;
  }
  template <typename Service>
  static size_t Partitions(Machine<Service>& machine, storage::PartitionKind kind) {
    return machine.disk.store().ListPartitions(kind, Id128(), 1000)->size();
  }
  /// Whether a person is named in clear anywhere in the service's partitions, or her key there opens
  /// anything.
  template <typename Service>
  static bool Has(Machine<Service>& machine, const Id128& person) {
    if (machine.disk.log().keys().Get({audit::Subject::Kind::kPerson, person}).ok()) {
      return true;
    }
    const std::string bytes = person.ToBytes();
    for (const char kind : {'P', 'X', 'U', 'M', 'I', 'A', 'R'}) {
      const auto partitions =
          machine.disk.store().ListPartitions(static_cast<storage::PartitionKind>(kind), Id128(), 10'000);
      for (const storage::Partition& partition : *partitions) {
        if (partition.Encode().find(bytes) != std::string::npos) {
          return true;
        }
        const auto page = machine.disk.store().Scan(partition, "", "", 1000);
        for (const auto& row : page->entries) {
          if ((row.key + row.entry.value).find(bytes) != std::string::npos) {
            return true;
          }
        }
      }
    }
    return false;
  }
  /// Nothing of either is left anywhere, and the registry said so last.
  void ExpectErased(const std::vector<Id128>& persons) {
    for (const Id128& person : persons) {
      EXPECT_FALSE(Has(at_routing, person));
      EXPECT_FALSE(Has(at_alerting, person));
      EXPECT_FALSE(Has(at_consent, person));
    }
    EXPECT_EQ(Partitions(at_routing, storage::PartitionKind::kMessage), 0);
    EXPECT_EQ(Partitions(at_alerting, storage::PartitionKind::kAlert), 0);
    EXPECT_EQ(Partitions(at_alerting, storage::PartitionKind::kPerson), 0);
    const std::vector<absl::Time> certified = Erased(at_consent);
    ASSERT_THAT(certified, SizeIs(1));
    for (const std::vector<absl::Time>& there : {Erased(at_routing), Erased(at_alerting)}) {
      ASSERT_THAT(there, SizeIs(persons.size()));
      for (const absl::Time at : there) {
        EXPECT_LT(at, certified[0]);
      }
    }
  }

  testing::SimExecutor sim;
  /// Services whose acknowledgements do not arrive.
  std::set<std::string> cannot_acknowledge;

 private:
  rpc::Call CallOf(const std::string& institution, const std::string& system) const {
    rpc::Call call;
    call.caller.institution = institution;
    call.caller.system = system;
    call.caller.agent = "agent-1";
    call.caller.certificate = std::string(64, 'c');
    call.directory = directory_;
    return call;
  }
  rpc::Call AsService(const std::string& service) const {
    rpc::Call call;
    call.caller.kind = rpc::Caller::Kind::kService;
    call.caller.service = service;
    call.directory = directory_;
    return call;
  }
  static audit::Log::Wanted ShownTo(const std::string& service) {
    const std::set<audit::v1::EventClass> shown = consent::OpenedToPeers().at(service);
    return [shown](audit::v1::EventClass event_class) { return shown.contains(event_class); };
  }

  template <typename Service, typename Make>
  void Boot(Machine<Service>& machine, std::set<std::string> wait_for, const Make& make) {
    audit::MaintenanceOptions options;
    options.institution = "service/" + machine.name;
    options.wait_for = std::move(wait_for);
    auto opened = audit::Maintenance::Open(std::move(options), machine.disk.log(), machine.disk.store(),
                                           machine.disk.ring(), sim, machine.disk.random(), sim);
    Require(opened.status());
    machine.maintenances.push_back(*std::move(opened));
    machine.contexts.push_back(std::make_unique<rpc::ServiceContext>(rpc::ServiceContext{
        sim, machine.disk.random(), sim, machine.disk.store(), machine.disk.log(), *handles_, suppression_,
        idempotency_, [this] { return directory_; }, machine.maintenances.back().get()}));
    machine.services.push_back(make(*machine.contexts.back()));
    Require(machine.disk.Run(machine.maintenance().Reapply()));
    Require(machine.service().Start());
    machine.maintenance().Start();
  }
  template <typename Service>
  void Stop(Machine<Service>& machine) {
    Start(machine.maintenance().Stop(), [](bool) {});
    Start(machine.service().Stop(), [](bool) {});
    sim.RunFor(kEnd);
  }
  template <typename Service>
  void Die(Machine<Service>& machine) {
    machine.disk.Crash();
    Stop(machine);
    Require(machine.disk.Reopen());
  }

  template <typename Peers>
  void GiveConsent(const std::string& service, Peers& peers) {
    peers.acknowledge_erasure = [this, service](consent::v1::AcknowledgeErasureRequest request,
                                                absl::Duration) {
      if (cannot_acknowledge.contains(service)) {
        return Down<consent::v1::AcknowledgeErasureResponse>();
      }
      return at_consent.service().erasures().AcknowledgeErasure(AsService(service), std::move(request));
    };
  }
  void BootConsent() {
    Boot(at_consent, {"alerting", "routing"}, [this](const rpc::ServiceContext& context) {
      return std::make_unique<consent::Service>(context, consent::Settings(), *calendar::Paris::Load(),
                                                std::make_unique<Tail>(at_routing.disk, nullptr));
    });
  }
  void BootRouting() {
    routing::Peers peers;
    peers.check = [this](consent::v1::CheckRequest request, absl::Duration) {
      return at_consent.service().checks().Check(AsService("routing"), std::move(request));
    };
    GiveConsent("routing", peers);
    Boot(at_routing, {}, [this, &peers](const rpc::ServiceContext& context) {
      return std::make_unique<routing::Service>(
          context, std::move(peers), routing::Settings(), *calendar::Paris::Load(),
          [](uint64_t) -> absl::StatusOr<routing::SignedVersion> { return absl::NotFoundError("none"); },
          std::make_unique<Tail>(at_consent.disk, ShownTo("routing")), nullptr);
    });
  }
  void BootAlerting() {
    alerting::Peers peers;
    peers.register_person = [this](consent::v1::RegisterRequest request, absl::Duration) {
      return at_consent.service().persons().Register(AsService("alerting"), std::move(request));
    };
    peers.record_consent = [this](consent::v1::RecordConsentRequest request, absl::Duration) {
      return at_consent.service().agreements().RecordConsent(AsService("alerting"), std::move(request));
    };
    peers.record_objection = [this](consent::v1::RecordObjectionRequest request, absl::Duration) {
      return at_consent.service().objections().RecordObjection(AsService("alerting"), std::move(request));
    };
    peers.declare = [this](consent::v1::DeclareRequest request, absl::Duration) {
      return at_consent.service().emergencies().Declare(AsService("alerting"), std::move(request));
    };
    peers.resolve = [this](routing::v1::ResolveRequest request, absl::Duration) {
      return at_routing.service().routing().Resolve(AsService("alerting"), std::move(request));
    };
    peers.submit = [this](routing::v1::SubmitRequest request, absl::Duration) {
      return at_routing.service().routing().Submit(AsService("alerting"), std::move(request));
    };
    peers.take = [this](routing::v1::TakeRequest request, absl::Duration) {
      return at_routing.service().inboxes().Take(AsService("alerting"), std::move(request));
    };
    GiveConsent("alerting", peers);
    Boot(at_alerting, {}, [this, &peers](const rpc::ServiceContext& context) {
      return std::make_unique<alerting::Service>(context, std::move(peers), alerting::Settings(),
                                                 *calendar::Paris::Load(),
                                                 std::make_unique<Tail>(at_consent.disk, ShownTo("alerting")),
                                                 std::make_unique<Tail>(at_routing.disk, nullptr));
    });
  }

 public:
  Machine<consent::Service> at_consent;
  Machine<routing::Service> at_routing;
  Machine<alerting::Service> at_alerting;

 private:
  crypto::MemoryKeyRing ring_;
  identity::SuppressionKeys suppression_;
  rpc::Idempotency idempotency_;
  std::optional<identity::HandleCodec> handles_;
  const std::shared_ptr<const directory::Directory> directory_;
};

// Both are where they should be, so that the tests can fail.
void ExpectKnown(Suite& suite, const std::vector<Id128>& persons) {
  ASSERT_THAT(persons, SizeIs(2));
  for (const Id128& person : persons) {
    ASSERT_TRUE(Suite::Has(suite.at_routing, person));
    ASSERT_TRUE(Suite::Has(suite.at_alerting, person));
  }
  ASSERT_EQ(Suite::Partitions(suite.at_routing, storage::PartitionKind::kMessage), 2);
  ASSERT_EQ(Suite::Partitions(suite.at_alerting, storage::PartitionKind::kAlert), 2);
}

TEST(LinkedErasure, BothNamesGoEverywhereBeforeItIsCertified) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    Suite suite(seed);
    const std::vector<Id128> persons = suite.TwoCuts();
    ExpectKnown(suite, persons);
    suite.Link(persons[0], persons[1]);
    suite.Settle();
    suite.Erase(persons[seed % 2]);
    suite.Settle();
    suite.ExpectErased(persons);
  }
}

TEST(LinkedErasure, NothingIsCertifiedWhileOneServiceHasNotSaidSoOfBoth) {
  Suite suite;
  const std::vector<Id128> persons = suite.TwoCuts();
  ExpectKnown(suite, persons);
  suite.Link(persons[0], persons[1]);
  suite.cannot_acknowledge = {"alerting"};
  const Id128 erasure = *Id128::FromHex(suite.Erase(persons[0]));
  suite.Settle(absl::Minutes(1));
  EXPECT_THAT(Suite::Erased(suite.at_routing), SizeIs(2));
  EXPECT_THAT(Suite::Erased(suite.at_consent), IsEmpty());
  EXPECT_THAT(suite.at_consent.maintenance().Find(erasure)->waiting_for, ElementsAre("alerting"));
  suite.RestartConsent();
  suite.Settle(absl::Minutes(1));
  EXPECT_THAT(Suite::Erased(suite.at_consent), IsEmpty());
  suite.cannot_acknowledge.clear();
  suite.Settle(absl::Minutes(2));
  suite.ExpectErased(persons);
}

TEST(LinkedErasure, WhoIsDownErasesBothWhenItIsBack) {
  Suite suite;
  const std::vector<Id128> persons = suite.TwoCuts();
  ExpectKnown(suite, persons);
  suite.Link(persons[0], persons[1]);
  suite.cannot_acknowledge = {"routing"};
  suite.Erase(persons[1]);
  suite.Settle(absl::Milliseconds(300));
  suite.RestartRouting();
  suite.cannot_acknowledge.clear();
  suite.RestartConsent();
  suite.RestartRouting();
  suite.Settle(absl::Minutes(2));
  suite.ExpectErased(persons);
}

// D-2.10: what a hold on one of her names covers is copied in every service, under both names.
TEST(LinkedErasure, AHoldOnOneNameKeepsBothNamesInEveryService) {
  for (const bool linked_before : {true, false}) {
    SCOPED_TRACE(linked_before);
    Suite suite;
    const std::vector<Id128> persons = suite.TwoCuts();
    ExpectKnown(suite, persons);
    Id128 hold;
    if (linked_before) {
      suite.Link(persons[0], persons[1]);
      hold = suite.PlaceHold(persons[1]);
    } else {
      hold = suite.PlaceHold(persons[1]);
      suite.Link(persons[0], persons[1]);
    }
    suite.Settle();
    suite.Erase(persons[0]);
    suite.Settle();
    suite.ExpectErased(persons);
    std::set<std::string> persons_kept;
    const auto in_routing = suite.at_routing.maintenance().holds().Read(hold, "", 1000);
    ASSERT_TRUE(in_routing.ok()) << in_routing.status();
    for (const audit::v1::HeldItem& item : in_routing->items) {
      routing::v1::MessageState message;
      if (item.state().content().UnpackTo(&message)) {
        persons_kept.insert(message.person());
      }
    }
    EXPECT_TRUE(persons_kept.contains(persons[0].ToBytes()));
    EXPECT_TRUE(persons_kept.contains(persons[1].ToBytes()));
    std::set<std::string> rows;
    const auto in_alerting = suite.at_alerting.maintenance().holds().Read(hold, "", 1000);
    ASSERT_TRUE(in_alerting.ok()) << in_alerting.status();
    for (const audit::v1::HeldItem& item : in_alerting->items) {
      if (item.state().name().starts_with("row/")) {
        rows.insert(item.state().name());
      }
    }
    EXPECT_THAT(rows, SizeIs(2));
    const auto in_consent = suite.at_consent.maintenance().holds().Read(hold, "", 1000);
    ASSERT_TRUE(in_consent.ok()) << in_consent.status();
    EXPECT_FALSE(in_consent->items.empty());
  }
}

}  // namespace
}  // namespace relais::sim
