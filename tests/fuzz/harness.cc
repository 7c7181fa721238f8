#include "tests/fuzz/harness.h"

#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rpc/refusal.h"
#include "common/storage/value_format.h"
#include "services/consent/convert.h"
#include "tests/fuzz/callers.h"
#include "tests/fuzz/checks.h"
#include "tests/fuzz/walk.h"

namespace relais::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kRemembered = 7 * kDaySeconds;  // a request's answer, at least (api.md)

consent::v1::Traits Alike(const std::string& birthplace) {
  consent::v1::Traits traits;
  traits.set_surname("Martin");
  traits.set_first_names("Jeanne Marie");
  traits.mutable_birth_date()->set_year(1961);
  traits.mutable_birth_date()->set_month(4);
  traits.mutable_birth_date()->set_day(12);
  traits.set_birthplace(birthplace);
  return traits;
}

// What stands in each row; not since which commit: Register writes again what is there (ADR 26).
std::map<std::string, std::string> RowsOf(const storage::MemoryDisk& disk) {
  std::map<std::string, std::string> rows;
  std::string from;
  do {
    storage::MemoryDisk::Rows page = disk.ScanData("", from, 10'000);
    for (const auto& [key, value] : page.rows) {
      const absl::StatusOr<storage::StoredValue> decoded = storage::DecodeValue(value);
      rows.emplace(key, decoded.ok() ? std::string(decoded->payload) : value);
    }
    from = std::move(page.next);
  } while (!from.empty());
  return rows;
}

// The kinds of the partitions in which two states of a store differ.
std::set<char> Changed(const storage::MemoryDisk& before, const storage::MemoryDisk& after) {
  const std::map<std::string, std::string> old = RowsOf(before);
  const std::map<std::string, std::string> now = RowsOf(after);
  std::set<char> kinds;
  const auto note = [&](const auto& ones, const auto& others) {
    for (const auto& [key, value] : ones) {
      if (const auto at = others.find(key); at == others.end() || at->second != value) {
        kinds.insert(key[0]);
      }
    }
  };
  note(old, now);
  note(now, old);
  return kinds;
}

// Names no partition: claims of requests, and lists by day, which are written ahead of what they are for.
bool IsAhead(char kind) { return kind == static_cast<char>(storage::PartitionKind::kIndexBucket); }

bool HasRequestId(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName("request_id");
  return field != nullptr && !request.GetReflection()->GetString(request, field).empty();
}

// What a call repeated after others may do anew: a check is decided again when its permit no longer stands; a
// request of hers is shown as it stands; a hold copies what came since.
bool MayDiffer(const std::string& name) {
  static const std::set<std::string> kNames = {"ConsentService.Check", "ConsentService.BatchCheck",
                                               "RightsService.Open", "RightsService.Answer",
                                               "PersonService.PlaceHold"};
  return kNames.contains(name);
}

// What a repeated call must answer again: all but where the log stands.
std::string Essence(const Message& answer) {
  const std::unique_ptr<Message> copy(answer.New());
  copy->CopyFrom(answer);
  for (const char* name : {"written", "revision", "proof"}) {
    if (const FieldDescriptor* field = answer.GetDescriptor()->FindFieldByName(name)) {
      copy->GetReflection()->ClearField(copy.get(), field);
    }
  }
  return copy->SerializeAsString();
}

std::string OutcomeName(const absl::Status& status) {
  if (status.ok()) {
    return "OK";
  }
  const std::string reason = rpc::ReasonName(rpc::ReasonOf(status));
  return reason.empty() ? absl::StatusCodeToString(status.code()) : reason;
}

}  // namespace

// One world.
class Harness::Session {
 public:
  explicit Session(Harness& harness)
      : harness_(harness),
        world_(World::DefaultOptions(), World::AtOnce(), {"routing", "alerting"}),
        names_(world_.context().handles) {
    Meet("desk", "A-1", Alike("Lyon"));
    Meet("desk", "A-2", World::Marie());
    Meet("caf", "C-1", Alike("Lille"));
    Follow();
  }

  void Run(const Step& step) {
    Pass(step.wait_seconds);
    const CallerSpec& spec = *FindCaller(step.caller);
    rpc::Call call = CallOf(spec);
    std::unique_ptr<Message> request = Received(call.caller, *step.request);
    const std::string name = NameOf(*step.method);
    ++harness_.coverage_.calls;
    if (request == nullptr) {
      Note(name, "not read");
      return;
    }
    absl::Status status = Admit(step, spec, call);
    const bool allowed = status.ok();
    if (status.ok()) {
      status = Validate(*request);
    }
    NoteFields(name, *request, allowed, status.ok());
    if (!status.ok()) {
      Refused(name, call, *request, status);
      return;
    }
    Handle(name, call, *request);
  }

  // After the last call: what was written is still answered the same, and what the cache holds is what is
  // stored.
  void End() {
    if (!undone_ && waited_ < kRemembered) {
      for (const Done& done : std::exchange(done_, {})) {
        if (!MayDiffer(done.name)) {
          Repeat(done.name, done.call, *done.request, *done.answer, false);
        }
      }
    }
    for (const Id128& person : names_.persons()) {
      CheckCache(person);
    }
  }

  [[nodiscard]] std::vector<std::string> wrong() && { return std::move(wrong_); }

 private:
  struct Done {
    std::string name;
    rpc::Call call;
    std::unique_ptr<Message> request;
    std::unique_ptr<Message> answer;
  };
  struct Store {
    std::shared_ptr<storage::MemoryDisk> disk;
    uint64_t version = 0;
    uint64_t leaves = 0;
  };

  // All of it, with what stands in frozen histories of others who are one human with her.
  void CheckCache(const Id128& person) {
    consent::Store& store = world_.service().registry().store;
    const auto cached = store.Load(person);
    const auto stored = store.LoadFresh(person);
    if (cached.status() != stored.status()) {
      Expect(absl::InternalError(stored.status().ToString()), "the cache says otherwise of a person");
      return;
    }
    if (!cached.ok()) {
      return;
    }
    const consent::v1::StoredPerson held = consent::StoredFrom(*cached->state, true);
    const consent::v1::StoredPerson kept = consent::StoredFrom(*stored->state, true);
    if (held.SerializeAsString() == kept.SerializeAsString()) {
      return;
    }
    if (harness_.trace_) {
      std::cerr << "cached " << held.ShortDebugString() << "\nstored " << kept.ShortDebugString() << "\n";
    }
    Expect(absl::InternalError("her history"), "the cache says otherwise of a person");
  }

  void Meet(const std::string& caller, const std::string& identifier, const consent::v1::Traits& traits) {
    consent::v1::RegisterRequest request;
    request.set_request_id("met-" + identifier);
    request.set_own_identifier(identifier);
    *request.mutable_traits() = traits;
    const rpc::Call call = CallOf(*FindCaller(caller));
    const auto answer = BoundMethods().at("PersonService.Register").run(world_, call, request);
    World::Require(answer.status());
    names_.Learn(call.caller, **answer);
  }

  rpc::Call CallOf(const CallerSpec& spec) {
    rpc::Call call = world_.As("");
    call.caller = Authenticated(spec, world_.directory());
    call.caller.agent = spec.agent;
    call.caller.function = spec.function;
    return call;
  }

  // What other parts of the service do meanwhile.
  void Pass(int64_t seconds) {
    waited_ += seconds;
    world_.harness().sim().Skip(absl::Seconds(seconds));
    if (seconds > 0) {
      (void)world_.Run(world_.service().expiries().LookOnce());
    }
    if (seconds >= kDaySeconds) {
      Expect(world_.Run(world_.maintenance().RunOnce()), "maintenance");
    }
    world_.harness().sim().RunFor(absl::Seconds(1));
  }

  // As it comes out of the wire; null when protobuf refuses it.
  std::unique_ptr<Message> Received(const rpc::Caller& caller, const Message& written) const {
    const std::unique_ptr<Message> resolved(written.New());
    resolved->CopyFrom(written);
    names_.Resolve(caller, *resolved);
    std::unique_ptr<Message> request(written.New());
    return request->ParseFromString(resolved->SerializeAsString()) ? std::move(request) : nullptr;
  }

  // The order of rpc::Dispatcher: agent, policy.
  absl::Status Admit(const Step& step, const CallerSpec& spec, rpc::Call& call) {
    rpc::AgentMetadata metadata;
    if (step.agent) {
      metadata.agent = spec.agent;
      metadata.function = spec.function;
    }
    metadata.reason = step.reason ? "a motive" : "";
    const absl::Status set = rpc::SetAgent(metadata, world_.directory(), call.caller);
    const std::string full = absl::StrCat(step.method->service()->full_name(), "/", step.method->name());
    return set.ok() ? rpc::CheckPolicy(harness_.table_.Find(full)->policy, call.caller, world_.directory())
                    : set;
  }

  absl::Status Validate(Message& request) {
    rpc::Validator::Result result = harness_.validator_.Check(request);
    if (result.has_unknown_fields) {
      request.DiscardUnknownFields();
    }
    return std::move(result.status);
  }

  void Handle(const std::string& name, const rpc::Call& call, const Message& request) {
    const Store before = Now();
    Answer answer = BoundMethods().at(name).run(world_, call, request);
    if (!answer.ok()) {
      Refused(name, call, request,
              audit::IsErased(answer.status()) ? rpc::NoSuchOrNotYours() : answer.status());
      ExpectUntouched(name, before);
      return;
    }
    Note(name, "OK");
    NoteServed(name, request);
    names_.Learn(call.caller, **answer);
    Report(name, WrongWithAnswer(call.caller, world_.context().handles, names_.persons(), **answer));
    undone_ = undone_ || name == "PersonService.Erase";
    if (HasRequestId(request)) {
      Repeat(name, call, request, **answer, true);
      std::unique_ptr<Message> copy(request.New());
      copy->CopyFrom(request);
      done_.push_back({name, call, std::move(copy), *std::move(answer)});
    }
    Follow();
  }

  // Same content, same result, no second effect (api.md, "Idempotency").
  // `at_once`: nothing came between; else it may be refused, for what came.
  void Repeat(const std::string& name, const rpc::Call& call, const Message& request, const Message& first,
              bool at_once) {
    const Store before = Now();
    const Answer again = BoundMethods().at(name).run(world_, call, request);
    if (!again.ok() && at_once) {
      Report(name, absl::StrCat("refused when repeated: ", again.status().ToString()));
    } else if (!again.ok()) {
      Refused(name, call, request,
              audit::IsErased(again.status()) ? rpc::NoSuchOrNotYours() : again.status());
    } else if (Essence(first) != Essence(**again)) {
      Report(name, absl::StrCat("another answer when repeated: ", first.ShortDebugString(), " then ",
                                (*again)->ShortDebugString()));
    }
    const Store after = Now();
    if (after.leaves != before.leaves) {
      Report(name, "a second leaf when repeated");
    }
    // A hold that is asked for again copies what it holds once more: its first copy may have failed.
    const bool copies = name == "PersonService.PlaceHold";
    if (!copies && after.version != before.version && !Changed(*before.disk, *after.disk).empty()) {
      Report(name, "a second effect when repeated");
    }
  }

  Store Now() {
    // What the log writes behind is not the call's.
    world_.harness().sim().RunFor(absl::Milliseconds(200));
    const std::shared_ptr<storage::MemoryDisk>& disk = world_.harness().disk();
    return {disk->Clone(), disk->last_version(), world_.log().state().size};
  }

  void ExpectUntouched(const std::string& name, const Store& before) {
    const storage::MemoryDisk& disk = *world_.harness().disk();
    if (world_.log().state().size != before.leaves) {
      Report(name, "refused, and there is a leaf");
    }
    if (disk.last_version() == before.version) {
      return;
    }
    for (const char kind : Changed(*before.disk, disk)) {
      if (!IsAhead(kind)) {
        Report(name, absl::StrCat("refused, and partitions of kind ", std::string(1, kind), " changed"));
      }
    }
    Note(name, "refused after a claim");
  }

  // The registry's follower of its own log, which finds candidates and links and asks to erase.
  void Follow() {
    consent::OwnLog& own = world_.service().own();
    for (const audit::OpenedLeaf& leaf : world_.Leaves(followed_)) {
      audit::FollowedLeaf followed;
      followed.index = leaf.index;
      followed.time = leaf.leaf.time;
      followed.header = leaf.leaf.header;
      followed.details = leaf.details;
      if (own.Concerns(followed)) {
        Expect(world_.Run(own.Apply(followed, true)), "the follower of the own log");
      }
      followed_ = leaf.index + 1;
    }
  }

  void Refused(const std::string& name, const rpc::Call& call, const Message& request,
               const absl::Status& status) {
    Note(name, OutcomeName(status));
    if (harness_.trace_) {
      std::cerr << "  " << status << "\n";
    }
    Report(name, WrongWithRefusal(request, status, call.caller.function));
  }
  void Expect(const absl::Status& status, const std::string& what) {
    if (!status.ok()) {
      wrong_.push_back(absl::StrCat(what, ": ", status.ToString()));
    }
  }
  void Report(const std::string& name, const std::string& wrong) {
    if (!wrong.empty()) {
      wrong_.push_back(absl::StrCat(name, ": ", wrong));
    }
  }
  void Note(const std::string& name, const std::string& outcome) {
    ++harness_.coverage_.outcomes[name][outcome];
    if (harness_.trace_) {
      std::cerr << name << ": " << outcome << "\n";
    }
  }
  void NoteFields(const std::string& name, const Message& request, bool allowed, bool handled) {
    if (!allowed) {
      return;
    }
    ForEachSetPath(request, [&](const std::string& path) {
      Coverage::Uses& uses = harness_.coverage_.fields[name][path];
      ++uses.given;
      uses.handled += handled ? 1 : 0;
    });
  }
  void NoteServed(const std::string& name, const Message& request) {
    ForEachSetPath(request, [&](const std::string& path) { ++harness_.coverage_.fields[name][path].served; });
  }

  Harness& harness_;
  World world_;
  Names names_;
  uint64_t followed_ = 0;
  int64_t waited_ = 0;
  bool undone_ = false;
  std::vector<Done> done_;
  std::vector<std::string> wrong_;
};

Harness::Harness() : trace_(std::getenv("RELAIS_FUZZ_TRACE") != nullptr) {
  for (const google::protobuf::MethodDescriptor* method : Methods()) {
    World::Require(table_.AddService(*method->service(), validator_));
    ForEachPath(*method->input_type(),
                [&](const std::string& path) { coverage_.fields[NameOf(*method)][path]; });
  }
}

std::vector<std::string> Harness::Run(const Script& script) {
  ++coverage_.scripts;
  Session session(*this);
  for (const Step& step : script) {
    if (trace_) {
      std::cerr << "@" << step.caller << " " << step.request->ShortDebugString() << "\n";
    }
    session.Run(step);
  }
  session.End();
  return std::move(session).wrong();
}

std::vector<std::string> Coverage::Unreached() const {
  std::vector<std::string> unreached;
  for (const auto& [method, paths] : fields) {
    for (const auto& [path, uses] : paths) {
      if (uses.handled == 0) {
        unreached.push_back(absl::StrCat(method, " ", path));
      }
    }
  }
  return unreached;
}

void Coverage::Print(std::ostream& out) const {
  out << scripts << " scripts, " << calls << " calls\n";
  for (const auto& [method, counts] : outcomes) {
    out << method << ":" << absl::StrJoin(counts, ",", [](std::string* text, const auto& count) {
      absl::StrAppend(text, " ", count.first, " ", count.second);
    }) << "\n";
  }
  out << "\nfield: given by who may call, handled, served\n";
  for (const auto& [method, paths] : fields) {
    for (const auto& [path, uses] : paths) {
      out << method << " " << path << ": " << uses.given << ", " << uses.handled << ", " << uses.served
          << "\n";
    }
  }
  out << Unreached().size() << " fields never handled\n";
}

}  // namespace relais::fuzz
