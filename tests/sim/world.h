// Consent, alerting, routing and the vault in one process, on simulated machines and a simulated network,
// with the institutions that use them. Everything that happens follows from the seed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "relais/vault/v1/document_service.pb.h"
#include "services/alerting/service.h"
#include "services/consent/service.h"
#include "services/routing/service.h"
#include "services/vault/service.h"
#include "tests/sim/node.h"
#include "tests/sim/papers.h"

namespace relais::sim {

/// What was promised to somebody and must therefore be true at the end.
struct Promises {
  std::set<std::string> accepted_rows;  // references told ACCEPTED or DUPLICATE
  std::set<std::string> consents;       // consent ids
  std::set<std::string> expiring;       // of them, those whose period ends while the world runs
  std::set<std::string> messages;       // message ids told to their sender
  std::set<std::string> acknowledged;   // message ids whose Ack was answered
  std::set<std::string> taken;          // message ids whose Take was answered
};

/// A message that left routing for a desk.
struct Sent {
  std::string message_id;
  Id128 person;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  uint64_t permit_leaf = 0;  // of consent's log
  absl::Time at;
  uint64_t applied = 0;  // of consent's log by routing, at that instant
};

/// A root that somebody could have seen.
struct SeenRoot {
  std::string node;
  uint64_t size = 0;
  merkle::Hash root{};
};

struct WorldOptions {
  uint64_t seed = 1;
  int operations = 40;
  absl::Duration length = absl::Seconds(20);
  bool messages = true;  // what goes through alerting and routing
  bool papers = true;    // what goes through the vault
};

class World {
 public:
  explicit World(const WorldOptions& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Runs the schedule, heals everything, lets it settle, and checks. OK, or what is wrong.
  absl::Status Run();
  /// Hex of the four final roots: two runs of one seed must agree.
  [[nodiscard]] std::string Fingerprint();
  /// How much happened: deliveries, pull-backs, crashes.
  struct Counts {
    int sent = 0;
    int crashes = 0;
    int refused_checks = 0;
    int accepted_rows = 0;
    int withdrawals = 0;
    int expiring = 0;
    int deposits = 0;
    int shared_reads = 0;
    int refused_reads = 0;
    int erasures = 0;
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  friend class Institutions;

  void Fail(std::string what);
  void BootAll();
  void Disturb();
  void ScheduleDisturbances();
  void ObserveRoots();
  absl::Status CheckEverything();

  // Calls of an institution's system.
  rpc::Call CallOf(const std::string& institution, const std::string& system) const;
  rpc::Call CallOfService(const std::string& service) const;

  std::unique_ptr<consent::Service> MakeConsent(const Node<consent::Service>::ProcessPtr& process);
  std::unique_ptr<routing::Service> MakeRouting(const Node<routing::Service>::ProcessPtr& process);
  std::unique_ptr<alerting::Service> MakeAlerting(const Node<alerting::Service>::ProcessPtr& process);
  std::unique_ptr<vault::Service> MakeVault(
      const Node<vault::Service>::ProcessPtr& process);  // vault_node.cc
  Task<absl::StatusOr<routing::v1::PullResponse>> PullAndWatch(Node<routing::Service>::ProcessPtr process,
                                                               rpc::Call call,
                                                               routing::v1::PullRequest request);

  // The institutions at work (institutions.cc).
  Task<void> LifeOfPerson(int number);
  Task<void> AgreesBriefly(int number);
  Task<void> SupplierSends(int batch);
  Task<void> DeskWorks(std::string institution, std::string system, std::string desk);
  Task<bool> Pause(uint64_t most_ms);
  void StartInstitutions();

  // Those who have to do with papers (vault_load.cc).
  struct PaperDesk;
  void StartPapers();
  Task<void> KeepsPapers(int number, bool erased);
  Task<bool> OpensDesk(PaperDesk& desk, std::string own_identifier);
  Task<void> ActsOnPapers(PaperDesk& desk, std::string id);
  Task<void> AgreesToPapers(PaperDesk& desk, std::string id);
  Task<void> SaysNoToPapers(PaperDesk& desk, std::string id);
  Task<void> Deposits(PaperDesk& desk, std::string id);
  Task<void> Shares(PaperDesk& desk, std::string id, std::string document_id);
  Task<void> Destroys(PaperDesk& desk, std::string id, std::string document_id);
  Task<void> AsksToBeErased(PaperDesk& desk, std::string id);
  Task<void> ReadsShares();
  Task<void> ReadsShare(rpc::Call call, GivenShare share);
  Task<absl::Status> ReadsPaper(rpc::Call call, PaperRead read, std::string document_id,
                                std::string share_id);
  Task<absl::StatusOr<vault::v1::ReadRangeResponse>> ReadAndWatch(Node<vault::Service>::ProcessPtr process,
                                                                  rpc::Call call, PaperRead read,
                                                                  vault::v1::ReadRangeRequest request);
  bool Answered(PaperDesk& desk, const char* method, const absl::Status& status);

  /// As a real client asks, until the answer comes or its patience ends.
  template <typename Service, typename Request, typename Response, typename Invoke>
  Task<absl::StatusOr<Response>> Ask(Node<Service>& node, Request request, Invoke invoke);
  /// The same, of a method of the service's handlers that `part` gives.
  template <typename Service, typename Handlers, typename Request, typename Response>
  Task<absl::StatusOr<Response>> AskFor(Node<Service>& node, rpc::Call call, Request request,
                                        Handlers& (Service::*part)(),
                                        Task<absl::StatusOr<Response>> (Handlers::*method)(rpc::Call,
                                                                                           Request));

  // The checks (checks.cc).
  absl::Status CheckLogs();
  absl::Status CheckDeliveries();
  absl::Status CheckPromises();
  absl::Status CheckAlerts();
  // Of the vault (vault_checks.cc).
  absl::Status CheckVault();
  absl::Status CheckPapers();
  absl::Status CheckBytes();
  absl::Status CheckHerNo();
  absl::Status CheckErased();
  absl::Status CheckVaultLog();

  WorldOptions options_;
  testing::SimExecutor sim_;
  testing::SeededRandom random_;
  Network net_;
  crypto::MemoryKeyRing ring_;
  std::unique_ptr<identity::HandleCodec> handles_;
  Shared shared_;
  calendar::Paris paris_;
  Life outside_ = std::make_shared<bool>(true);
  std::unique_ptr<Node<consent::Service>> consent_;
  std::unique_ptr<Node<routing::Service>> routing_;
  std::unique_ptr<Node<alerting::Service>> alerting_;
  std::unique_ptr<Node<vault::Service>> vault_;

  bool ending_ = false;
  int running_ = 0;  // institutions still at work
  std::string failure_;
  Counts counts_;
  Promises promises_;
  std::vector<Sent> sent_;
  std::vector<SeenRoot> roots_;
  Papers papers_;
};

template <typename Service, typename Request, typename Response, typename Invoke>
Task<absl::StatusOr<Response>> World::Ask(Node<Service>& node, Request request, Invoke invoke) {
  constexpr absl::Duration kPatience = absl::Minutes(2);
  Remote<Request, Response> remote =
      [&node, invoke](Request inner) -> std::optional<Task<absl::StatusOr<Response>>> {
    auto process = node.process();
    if (process == nullptr) {
      return std::nullopt;
    }
    return invoke(std::move(process), std::move(inner));
  };
  return CallOver<Request, Response>(&net_, Route{"outside", node.name(), outside_}, std::move(remote),
                                     std::move(request), kPatience);
}

template <typename Service, typename Handlers, typename Request, typename Response>
Task<absl::StatusOr<Response>> World::AskFor(Node<Service>& node, rpc::Call call, Request request,
                                             Handlers& (Service::*part)(),
                                             Task<absl::StatusOr<Response>> (Handlers::*method)(rpc::Call,
                                                                                                Request)) {
  const auto invoke = [call, part, method](auto process, Request inner) {
    Handlers& handlers = ((*process->service).*part)();
    return (handlers.*method)(call, std::move(inner));
  };
  return Ask<Service, Request, Response>(node, std::move(request), invoke);
}

}  // namespace relais::sim
