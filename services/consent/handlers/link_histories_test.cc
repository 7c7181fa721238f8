// Random histories of names that are linked, confirmed and split, with acts, requests repeated long after,
// erasures, followers and crashes between commits, against a naive model of what may be permitted: never
// anything under any name after a no that was said under any name that was one with it then, until she says
// yes again, later, to the same thing: under that name, or under another while they are one (ADR 40). And
// nothing of a supplier after an objection, by name or by record, until it is lifted under the name it was
// said under, by naming the record, or, on the other side of a split, there (D-1.6). RELAIS_HISTORIES=N: N
// histories instead of the default; RELAIS_SEED: from that seed on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/numbers.h"
#include "services/consent/handlers/linking.h"
#include "services/consent/handlers/matches.h"
#include "services/consent/testing/link_model.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::kPermit;
using testing::Lifted;
using testing::MayBePermitted;
using testing::MayBeTransmitted;
using testing::Objected;
using testing::Ones;
using testing::Ref;
using testing::Said;
using testing::SimWorld;

constexpr int kNames = 5;
constexpr int kSteps = 30;
constexpr int kRecords = 2;  // of the supplier

int FromEnvironment(const char* name, int otherwise) {
  int wanted = 0;
  const char* text = std::getenv(name);
  return text != nullptr && absl::SimpleAtoi(text, &wanted) && wanted > 0 ? wanted : otherwise;
}

class History {
 public:
  explicit History(uint64_t seed)
      : engine_(seed), world_(Options(seed), {}, {}), recipients_({"caf", "cpam"}) {
    v1::Traits traits;
    traits.set_surname("Martin");
    traits.set_first_names("Jeanne Marie");
    traits.mutable_birth_date()->set_year(1961);
    traits.mutable_birth_date()->set_month(1);
    traits.mutable_birth_date()->set_day(1);
    for (int i = 0; i < kNames; ++i) {
      names_.push_back(world_.NewPerson("case-" + std::to_string(i), traits));
    }
    world_.Follow(world_.service().own_leaves());
    FindCandidates();
  }

  void Run() {
    for (step_ = 1; step_ <= kSteps && !::testing::Test::HasFatalFailure(); ++step_) {
      world_.harness().sim().RunFor(absl::Seconds(1));
      Step();
      Look(++order_);
      Judge();
      Look(++order_);  // a recorded check completes what it meets
    }
  }
  // What the history had, so that the test can fail.
  [[nodiscard]] const std::map<std::string, uint64_t>& seen() const { return seen_; }

 private:
  struct Acted {
    std::function<absl::StatusOr<std::string>()> call;  // gives the id of what it made
    std::string id;
    int name = 0;
    bool no = false;
  };

  audit::testing::HarnessOptions Options(uint64_t seed) {
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.seed = seed;
    options.store.crash_at = Dies();
    return options;
  }
  std::function<bool(uint64_t)> Dies() {
    return [left = left_](uint64_t) { return *left == 0 || (*left > 0 && --*left == 0); };
  }
  int Below(int bound) { return static_cast<int>(engine_() % static_cast<uint64_t>(bound)); }
  rpc::Call Steward() { return world_.As("ville-paris", "steward"); }
  std::string Fresh(const char* what) { return what + std::to_string(++requests_); }

  void FindCandidates() {
    v1::ListCandidatesRequest request;
    request.set_page_size(20);
    const auto listed = world_.Run(world_.service().candidates().ListCandidates(Steward(), request));
    SimWorld::Require(listed.status());
    for (const v1::Candidate& candidate : listed->candidates()) {
      candidates_.push_back(candidate.candidate_id());
    }
    ASSERT_EQ(candidates_.size(), kNames * (kNames - 1) / 2);
  }

  // By the store, as her acts are recorded.
  std::set<int> NamesOf(int name) {
    const absl::StatusOr<std::vector<Id128>> group =
        world_.service().registry().store.GroupOf(world_.IdOf(names_[name]));
    std::set<int> out = {name};
    for (int other = 0; group.ok() && other < kNames; ++other) {
      if (std::find(group->begin(), group->end(), world_.IdOf(names_[other])) != group->end()) {
        out.insert(other);
      }
    }
    return out;
  }

  // Who is one with whom, since then at the latest: where each says it of the other. Of who is between two
  // commits nothing is said: whoever goes along with her is one with her before and after.
  void Look(int since) {
    std::vector<std::set<int>> names;
    std::set<int> between;
    for (int name = 0; name < kNames; ++name) {
      names.push_back(gone_.contains(name) ? std::set<int>() : NamesOf(name));
      const auto state = world_.service().registry().store.LoadFresh(world_.IdOf(names_[name]));
      if (!gone_.contains(name) && (!state.ok() || state->unfinished)) {
        between.insert(name);
      }
    }
    for (int a = 0; a < kNames; ++a) {
      for (int b = a + 1; b < kNames; ++b) {
        if (names[a].contains(b) && names[b].contains(a)) {
          ones_.Are(a, b, since);
        } else if (!between.contains(a) && !between.contains(b)) {
          ones_.AreNot(a, b);
        }
      }
    }
  }

  void Step() {
    const int name = Alive();
    if (name < 0) {
      return;
    }
    // Now and then the process dies at one of the next commits.
    *left_ = Below(3) == 0 ? 1 + Below(7) : -1;
    const int what = Below(100);
    if (what < 22) {
      Agree(name);
    } else if (what < 38) {
      Refuse(name);
    } else if (what < 45) {
      Object(name);
    } else if (what < 52) {
      Lift(name);
    } else if (what < 60) {
      Repeat();
    } else if (what < 74) {
      Merge(name);
    } else if (what < 79) {
      Confirm();
    } else if (what < 93) {
      Split();
    } else if (what < 96) {
      Follow();
    } else if (what < 98) {
      Recorded(name);
    } else {
      Erase(name);
    }
    Live();
  }
  int Alive() {
    const int first = Below(kNames);
    for (int i = 0; i < kNames; ++i) {
      if (!gone_.contains((first + i) % kNames)) {
        return (first + i) % kNames;
      }
    }
    return -1;
  }
  // True: the process died, and is there again.
  bool Live() {
    const bool died = *left_ == 0;
    *left_ = -1;
    if (died) {
      ++seen_["crashes"];
      trace_ << " CRASH;";
      world_.Restart(nullptr, Dies());
    }
    return died;
  }

  // An act is repeated until it is answered: nobody knows of one that was not.
  absl::StatusOr<std::string> UntilAnswered(const std::function<absl::StatusOr<std::string>()>& call) {
    absl::StatusOr<std::string> answer = call();
    for (int i = 0; i < 3 && Live(); ++i) {
      answer = call();
    }
    return answer;
  }
  void Act(int name, bool no, const std::string& about,
           const std::function<absl::StatusOr<std::string>()>& call) {
    const absl::StatusOr<std::string> id = UntilAnswered(call);
    Look(order_);  // what it completed was complete before it was recorded
    ++order_;
    trace_ << " " << name << (no ? " no " : " yes ") << (about.empty() ? "all" : about)
           << (id.ok() ? "" : " (" + std::string(id.status().message()) + ")") << ";";
    if (!id.ok()) {
      ASSERT_TRUE(absl::IsNotFound(id.status())) << id.status() << trace_.str();
      return;
    }
    said_.push_back({no, order_, name, about, NamesOf(name)});
    acts_.push_back({call, *id, name, no});
    about_[*id] = about;
  }
  void Agree(int name) {
    const std::string about = Below(4) == 0 ? "*" : recipients_[Below(2)];
    v1::RecordConsentRequest request = SimWorld::ConsentFor(names_[name], Fresh("c"));
    v1::Recipient* to = request.mutable_lines(0)->mutable_recipients(0);
    if (about == "*") {
      to->set_kind(world_.directory().FindInstitution(recipients_[0])->kind);
      request.mutable_lines(0)->add_recipients()->set_kind(
          world_.directory().FindInstitution(recipients_[1])->kind);
    } else {
      to->set_institution(about);
    }
    Act(name, false, about, [this, request]() -> absl::StatusOr<std::string> {
      const auto done = world_.Record(request);
      return done.ok() ? absl::StatusOr<std::string>(done->consent_id()) : done.status();
    });
  }
  void Refuse(int name) {
    if (Below(2) == 0 && TakeBack(name)) {
      return;
    }
    const std::string about = Below(3) == 0 ? "" : recipients_[Below(2)];
    v1::RecordRefusalRequest request;
    request.set_request_id(Fresh("r"));
    *request.mutable_person() = names_[name];
    v1::ConsentLine* line = request.add_lines();
    line->add_purposes("RIGHTS_OPENING");  // of what suppliers transmit she says nothing here
    if (!about.empty()) {
      line->add_recipients()->set_institution(about);
    }
    Act(name, true, about, [this, request]() -> absl::StatusOr<std::string> {
      const auto done =
          world_.Run(world_.service().agreements().RecordRefusal(world_.As("ville-paris"), request));
      return done.ok() ? absl::StatusOr<std::string>(done->refusal_id()) : done.status();
    });
  }
  // A withdrawal of one agreement that somebody who is one with her gave.
  bool TakeBack(int name) {
    const std::set<int> hers = NamesOf(name);
    std::vector<std::string> given;
    for (const Acted& act : acts_) {
      if (!act.no && hers.contains(act.name)) {
        given.push_back(act.id);
      }
    }
    if (given.empty()) {
      return false;
    }
    v1::WithdrawConsentRequest request;
    request.set_request_id(Fresh("w"));
    *request.mutable_person() = names_[name];
    request.set_consent_id(given[Below(static_cast<int>(given.size()))]);
    const std::string about = about_[request.consent_id()];
    Act(name, true, about, [this, request]() -> absl::StatusOr<std::string> {
      const auto done =
          world_.Run(world_.service().agreements().WithdrawConsent(world_.As("ville-paris"), request));
      return done.ok() ? absl::StatusOr<std::string>(done->withdrawal_id()) : done.status();
    });
    return true;
  }
  static v1::RecordIdentity IdentityOf(int record) {
    v1::RecordIdentity identity = SimWorld::MarieAtEdf();
    identity.set_nom("MARTIN " + std::string(1, static_cast<char>('A' + record)));
    return identity;
  }
  // Of one supplier: an objection or a lifting, by her name alone or by naming a record, which then is hers
  // too.
  template <typename Request>
  Request OfSupplier(int name, int record) {
    Request request;
    request.set_request_id(Fresh("o"));
    request.add_suppliers("edf");
    *request.mutable_person() = names_[name];
    if (record >= 0) {
      *request.mutable_identity() = IdentityOf(record);
      whose_[record].insert(name);
    }
    return request;
  }
  void Say(int name, const std::string& what, const std::function<absl::Status()>& call) {
    const auto answer = [call, what]() -> absl::StatusOr<std::string> {
      const absl::Status done = call();
      return done.ok() ? absl::StatusOr<std::string>(what) : done;
    };
    const absl::StatusOr<std::string> done = UntilAnswered(answer);
    trace_ << " " << name << " " << what << ";";
    ASSERT_TRUE(done.ok()) << done.status() << trace_.str();
    Look(order_);
    ++order_;
    acts_.push_back({answer, what, name, true});
  }
  void Object(int name) {
    const int record = Below(2) == 0 ? -1 : Below(kRecords);
    const auto request = OfSupplier<v1::RecordObjectionRequest>(name, record);
    Say(name, "objects " + std::to_string(record),
        [this, request] { return world_.Object(request).status(); });
    for (const int each : record < 0 ? std::set<int>{name} : whose_[record]) {
      if (!gone_.contains(each)) {
        objections_.push_back({order_, each, record, NamesOf(each)});
      }
    }
    ++seen_["objections"];
  }
  void Lift(int name) {
    const int record = Below(kRecords + 1);  // maybe one that nobody objects with
    const auto request = OfSupplier<v1::LiftObjectionRequest>(name, record);
    Say(name, "lifts " + std::to_string(record), [this, request] {
      return world_.Run(world_.service().objections().LiftObjection(world_.As("ville-paris"), request))
          .status();
    });
    Lifted lifting{order_, name, {}, {}};
    for (const auto& [each, whose] : whose_) {
      if (whose.contains(name)) {
        lifting.records.insert(each);
      }
    }
    for (int each = 0; each < kNames; ++each) {
      lifting.groups.push_back(gone_.contains(each) ? std::set<int>() : NamesOf(each));
    }
    liftings_.push_back(std::move(lifting));
  }
  // The same answer, and nothing is said by it.
  void Repeat() {
    if (acts_.empty()) {
      return;
    }
    const Acted act = acts_[Below(static_cast<int>(acts_.size()))];
    const absl::StatusOr<std::string> again = UntilAnswered(act.call);
    trace_ << " again " << act.id.substr(0, 4) << ";";
    if (gone_.contains(act.name)) {
      EXPECT_FALSE(again.ok());
      return;
    }
    ++seen_["repetitions"];
    ASSERT_TRUE(again.ok()) << again.status() << trace_.str();
    ASSERT_EQ(*again, act.id) << trace_.str();
  }

  void Merge(int one) {
    v1::MergeRequest request;
    if (Below(4) == 0 && !merges_.empty()) {
      request = merges_[Below(static_cast<int>(merges_.size()))];  // long after
    } else {
      const int other = Alive();
      if (other == one) {
        return;
      }
      request.set_request_id(Fresh("m"));
      *request.mutable_person() = names_[one];
      *request.mutable_other() = names_[other];
      merges_.push_back(request);
      trace_ << " merge " << one << "-" << other;
    }
    const auto merged = world_.Run(world_.service().links().Merge(Steward(), request));
    trace_ << " " << request.request_id() << (merged.ok() ? "" : " refused") << ";";
    if (merged.ok()) {
      ++seen_["links"];
      links_.push_back(merged->link_id());
    }
  }
  void Confirm() {
    v1::ConfirmMatchRequest request;
    request.set_candidate_id(candidates_[Below(static_cast<int>(candidates_.size()))]);
    request.set_request_id("k" + request.candidate_id());
    const auto confirmed = world_.Run(world_.service().candidates().ConfirmMatch(Steward(), request));
    trace_ << " confirm" << (confirmed.ok() ? "" : " refused") << ";";
    if (confirmed.ok()) {
      ++seen_["confirmations"];
      links_.push_back(confirmed->link_id());
    }
  }
  void Split() {
    if (links_.empty()) {
      return;
    }
    v1::SplitRequest request;
    request.set_link_id(links_[Below(static_cast<int>(links_.size()))]);
    request.set_request_id("s" + request.link_id());
    const auto split = world_.Run(world_.service().links().Split(Steward(), request));
    trace_ << " split" << (split.ok() ? "" : " refused") << ";";
    seen_["splits"] += split.ok() ? 1 : 0;
  }
  // From the first leaf, also under another match key.
  void Follow() {
    *left_ = -1;
    trace_ << " follow;";
    if (Below(2) == 0) {
      world_.Follow(world_.service().own_leaves());
      return;
    }
    OwnLeaves rotated(world_.service().registry(), MatchKey{2, Secret(std::string(32, 'M'))},
                      absl::ZeroDuration());
    world_.Follow(rotated);
  }
  void Recorded(int name) {
    v1::CheckRequest check = SimWorld::CheckFor(names_[name], false);
    check.set_request_id("check" + std::to_string(name));  // the same all the time
    (void)world_.Check(check);
  }
  void Erase(int name) {
    const std::string request = Fresh("e");
    std::set<int> hers;
    absl::Status erased;
    do {
      hers = NamesOf(name);
      erased = testing::Erase(world_, names_[name], request);
    } while (Live());
    trace_ << " erase " << name << ";";
    ASSERT_TRUE(erased.ok()) << erased << trace_.str();
    const absl::Status done = world_.Run(world_.maintenance().RunOnce());
    ASSERT_TRUE(done.ok()) << done << trace_.str();
    // Whoever was one with her is gone with her.
    for (int other = 0; other < kNames; ++other) {
      const bool there = world_.service().registry().store.LoadOwn(world_.IdOf(names_[other])).ok();
      if (!there && gone_.insert(other).second) {
        ++seen_["erasures"];
      }
      ASSERT_EQ(there, !gone_.contains(other)) << trace_.str();
    }
    ASSERT_TRUE(gone_.contains(name)) << trace_.str();
  }

  void JudgeCut(int name) {
    if (gone_.contains(name) || ::testing::Test::HasFatalFailure()) {
      return;
    }
    const auto answer = world_.Check(SimWorld::CutFor(names_[name]));
    ASSERT_TRUE(answer.ok()) << answer.status() << trace_.str();
    const bool permitted = answer->decision() == kPermit;
    seen_["transmitted"] += permitted ? 1 : 0;
    ASSERT_TRUE(!permitted || MayBeTransmitted(objections_, liftings_, NamesOf(name)))
        << "a cut of " << name << ":" << trace_.str();
  }
  void Judge() {
    for (int name = 0; name < kNames; ++name) {
      JudgeCut(name);
      for (const std::string& recipient : recipients_) {
        v1::CheckRequest check = SimWorld::CheckFor(names_[name], Below(8) != 0);
        check.mutable_recipient()->set_institution(recipient);
        const auto answer = world_.Check(check);
        if (gone_.contains(name)) {
          ASSERT_TRUE(absl::IsNotFound(answer.status())) << trace_.str();
          continue;
        }
        ASSERT_TRUE(answer.ok()) << answer.status() << trace_.str();
        const bool permitted = answer->decision() == kPermit;
        seen_["permits"] += permitted ? 1 : 0;
        const bool may = MayBePermitted(said_, NamesOf(name), ones_, recipient);
        seen_["denied by the rule"] += !may ? 1 : 0;
        ASSERT_TRUE(may || !permitted) << name << " to " << recipient << ":" << trace_.str();
      }
    }
  }

  std::mt19937_64 engine_;
  // Commits until the process dies; negative: it does not.
  std::shared_ptr<int> left_ = std::make_shared<int>(-1);
  SimWorld world_;
  const std::vector<std::string> recipients_;
  std::vector<Ref> names_;
  std::vector<std::string> candidates_;
  std::vector<v1::MergeRequest> merges_;
  std::vector<std::string> links_;
  std::vector<Acted> acts_;
  std::map<std::string, std::string> about_;  // what an act was about, by its id
  std::vector<Said> said_;
  Ones ones_;
  std::vector<Objected> objections_;
  std::vector<Lifted> liftings_;
  std::map<int, std::set<int>> whose_;  // names that a record is of
  std::set<int> gone_;
  std::ostringstream trace_;
  int step_ = 0;
  int order_ = 0;  // of what is said and of when they were seen to be one
  int requests_ = 0;
  std::map<std::string, uint64_t> seen_ = {{"permits", 0},     {"denied by the rule", 0},
                                           {"transmitted", 0}, {"objections", 0},
                                           {"crashes", 0},     {"links", 0},
                                           {"splits", 0},      {"confirmations", 0},
                                           {"repetitions", 0}, {"erasures", 0}};
};

TEST(LinkHistories, NothingIsPermittedAfterHerNoUnderAnyNameOfHers) {
  const int wanted = FromEnvironment("RELAIS_HISTORIES", 150);
  const int seed = FromEnvironment("RELAIS_SEED", 1);
  std::map<std::string, uint64_t> seen;
  for (int i = 0; i < wanted && !HasFatalFailure(); ++i) {
    SCOPED_TRACE(seed + i);
    History history(static_cast<uint64_t>(seed + i));
    history.Run();
    for (const auto& [what, count] : history.seen()) {
      seen[what] += count;
    }
  }
  for (const auto& [what, count] : seen) {
    EXPECT_GT(count, static_cast<uint64_t>(wanted) / 4) << what;
  }
}

}  // namespace
}  // namespace relais::consent
