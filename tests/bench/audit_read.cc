#include "tests/bench/audit_read.h"

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "common/base/status.h"
#include "common/merkle/verify.h"
#include "tests/bench/audit_world.h"
#include "tests/bench/page_cache.h"

namespace relais::bench {
namespace {

constexpr size_t kMostEvents = 1000;

Quantiles Of(std::vector<absl::Duration>& values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values[std::min(values.size() - 1, values.size() * 99 / 100)]};
}

// Every event of a person, opened. How many there were.
absl::StatusOr<uint64_t> Answer(audit::Log& log, const audit::Subject& person) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, log.LeavesOf(person, 0, kMostEvents));
  ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt(leaves));
  for (const audit::OpenedLeaf& leaf : opened) {
    if (leaf.opening != audit::OpenedLeaf::Opening::kOpened ||
        leaf.details.subject().id() != person.id.bytes()) {
      return absl::DataLossError("a leaf that does not open, or of someone else");
    }
  }
  return opened.size();
}

absl::StatusOr<Quantiles> AskAbout(AuditWorld& world, const std::vector<uint64_t>& persons,
                                   uint64_t* events) {
  std::vector<absl::Duration> took;
  for (const uint64_t person : persons) {
    const audit::Subject subject = PersonOf(person);
    const absl::Duration begin = world.clock().Monotonic();
    ASSIGN_OR_RETURN(*events, Answer(world.log(), subject));
    took.push_back(world.clock().Monotonic() - begin);
  }
  return Of(took);
}

absl::StatusOr<Quantiles> Prove(AuditWorld& world, int questions, std::mt19937_64& random) {
  const audit::LogState state = world.log().state();
  std::vector<absl::Duration> took;
  for (int i = 0; i < questions; ++i) {
    const uint64_t index = random() % state.size;
    const absl::Duration begin = world.clock().Monotonic();
    ASSIGN_OR_RETURN(const std::vector<merkle::Hash> proof, world.log().Inclusion(index, state.size));
    took.push_back(world.clock().Monotonic() - begin);
    ASSIGN_OR_RETURN(const std::vector<std::string> leaf, world.log().ReadLeaves(index, 1));
    RETURN_IF_ERROR(
        merkle::VerifyInclusion(index, state.size, merkle::HashLeaf(leaf.at(0)), proof, state.root));
  }
  return Of(took);
}

}  // namespace

absl::StatusOr<ReadFigure> MeasureReads(const ReadLoad& load) {
  ForgetPages(StorePathIn(load.folder));
  AuditWorldOptions options;
  options.folder = load.folder;
  ASSIGN_OR_RETURN(const std::unique_ptr<AuditWorld> world, AuditWorld::Open(options));
  ReadFigure figure;
  figure.leaves = world->log().state().size;
  figure.store_took = world->store_took();
  figure.log_took = world->log_took();
  std::mt19937_64 random(20261125);
  std::vector<uint64_t> persons;
  for (int i = 0; i < load.questions; ++i) {
    persons.push_back(random() % load.persons);
  }
  ASSIGN_OR_RETURN(figure.events_cold, AskAbout(*world, persons, &figure.events));
  ASSIGN_OR_RETURN(figure.events_warm, AskAbout(*world, persons, &figure.events));
  ASSIGN_OR_RETURN(figure.inclusion, Prove(*world, load.questions, random));
  return figure;
}

}  // namespace relais::bench
