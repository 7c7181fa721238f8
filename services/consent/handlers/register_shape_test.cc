// What Register writes does not depend on whether the person was known: the shape of its commits, beside the
// measurement of its time (docs/performance.md, "The registry at size").
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "services/consent/handlers/person_handlers.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

// What a commit looks like to the disk. Keys and values by their size alone.
struct Shape {
  storage::PartitionKind kind = {};
  size_t preconditions = 0;
  std::vector<std::pair<size_t, size_t>> rows;
  std::vector<size_t> leaves;
  friend bool operator==(const Shape&, const Shape&) = default;
  friend void PrintTo(const Shape& shape, std::ostream* out) {
    *out << static_cast<char>(shape.kind) << ", " << shape.preconditions << " preconditions, rows";
    for (const auto& [key, value] : shape.rows) {
      *out << ' ' << key << ':' << value;
    }
    *out << ", leaves";
    for (const size_t leaf : shape.leaves) {
      *out << ' ' << leaf;
    }
  }
};

// Another store's, noting what is committed and how often something is read.
class NotingStore final : public storage::Store {
 public:
  explicit NotingStore(storage::Store& store) : store_(store) {}

  std::vector<Shape> Take() { return std::exchange(commits_, {}); }
  size_t TakeReads() { return std::exchange(reads_, 0); }

  absl::StatusOr<std::optional<storage::Entry>> Get(const storage::Partition& partition,
                                                    std::string_view key) const override {
    ++reads_;
    return store_.Get(partition, key);
  }
  absl::StatusOr<std::vector<std::optional<storage::Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    reads_ += addresses.size();
    return store_.MultiGet(addresses);
  }
  absl::StatusOr<storage::Page> Scan(const storage::Partition& partition, std::string_view prefix,
                                     std::string_view from, size_t page_size) const override {
    return store_.Scan(partition, prefix, from, page_size);
  }
  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    Note(request);
    return store_.Commit(std::move(request));
  }
  Task<std::vector<absl::StatusOr<storage::CommitResult>>> CommitAll(
      std::vector<storage::CommitRequest> requests) override {
    for (const storage::CommitRequest& request : requests) {
      Note(request);
    }
    return store_.CommitAll(std::move(requests));
  }
  absl::StatusOr<std::optional<std::string>> LogGet(storage::LogTable table,
                                                    std::string_view key) const override {
    return store_.LogGet(table, key);
  }
  absl::StatusOr<std::vector<LogEntry>> LogScan(storage::LogTable table, std::string_view prefix,
                                                std::string_view from, size_t limit) const override {
    return store_.LogScan(table, prefix, from, limit);
  }
  absl::StatusOr<std::optional<LogEntry>> LogLast(storage::LogTable table) const override {
    return store_.LogLast(table);
  }
  absl::StatusOr<std::vector<storage::Partition>> ListPartitions(storage::PartitionKind kind,
                                                                 const Id128& from,
                                                                 size_t limit) const override {
    return store_.ListPartitions(kind, from, limit);
  }
  absl::Status LogCompact(storage::LogTable table) override { return store_.LogCompact(table); }
  absl::Status Compact() override { return store_.Compact(); }
  absl::Status failure() const override { return store_.failure(); }

 private:
  void Note(const storage::CommitRequest& request) {
    Shape shape;
    shape.kind = request.partition.kind;
    shape.preconditions = request.preconditions.size();
    for (const storage::Mutation& row : request.batch) {
      shape.rows.emplace_back(row.key.size(), row.value ? row.value->size() : 0);
    }
    for (const storage::LeafDraft& leaf : request.leaves) {
      shape.leaves.push_back(leaf.bytes.size());
    }
    commits_.push_back(std::move(shape));
  }

  storage::Store& store_;
  std::vector<Shape> commits_;
  mutable size_t reads_ = 0;
};

class RegisterShape : public ::testing::Test {
 protected:
  rpc::ServiceContext Noting() {
    const rpc::ServiceContext& real = world_.context();
    return {real.clock,   real.random,      real.executor,    store_,         real.log,
            real.handles, real.suppression, real.idempotency, real.directory, real.maintenance};
  }
  struct Work {
    std::vector<Shape> commits;
    size_t reads = 0;
    friend bool operator==(const Work&, const Work&) = default;
  };
  // Names of one length, so that sizes can be compared.
  Work Register(const std::string& request_id, const std::string& own_identifier,
                const std::string& institution = "ville-paris",
                const v1::Traits& traits = SimWorld::Marie()) {
    v1::RegisterRequest request;
    request.set_request_id(request_id);
    request.set_own_identifier(own_identifier);
    *request.mutable_traits() = traits;
    store_.Take();
    store_.TakeReads();
    const auto response = world_.Run(service_.persons().Register(world_.As(institution), request));
    EXPECT_TRUE(response.ok()) << response.status();
    return {store_.Take(), store_.TakeReads()};
  }

  SimWorld world_;
  NotingStore store_{world_.harness().store()};
  Service service_{Noting(), Settings(), *calendar::Paris::Load()};
};

TEST_F(RegisterShape, SameWorkWhetherTheInstitutionKnowsHer) {
  const Work unknown = Register("r1", "case-1");
  const Work known = Register("r2", "case-1");
  // Her request, her name, herself, her record at each of the two suppliers.
  EXPECT_EQ(unknown.commits.size(), 5u);
  EXPECT_EQ(known.commits, unknown.commits);
  EXPECT_EQ(known.reads, unknown.reads);
}

TEST_F(RegisterShape, SameWorkWhetherAnotherInstitutionKnowsHer) {
  Register("r0", "case-0", "casvp");
  const Work known = Register("r1", "case-1");  // the same human, by her traits
  v1::Traits other = SimWorld::Marie();
  other.set_surname("Martin");
  other.set_first_names("Jeanne Mariane");
  const Work unknown = Register("r2", "case-2", "ville-paris", other);
  EXPECT_EQ(known.commits, unknown.commits);
  EXPECT_EQ(known.reads, unknown.reads);
}

TEST_F(RegisterShape, WhatIsWrittenAgainIsUnchanged) {
  Register("r1", "case-1");
  const common::v1::PersonRef person = world_.NewPerson("case-1");
  ASSERT_TRUE(world_.Record(SimWorld::ConsentFor(person, "a1")).ok());
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  Register("r2", "case-1");
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  ASSERT_TRUE(world_.WithdrawAll(person, "w1").ok());
  Register("r3", "case-1");
  EXPECT_EQ(world_.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_DENY);
}

}  // namespace
}  // namespace relais::consent
