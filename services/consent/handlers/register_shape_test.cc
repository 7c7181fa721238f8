// What Register reads and writes hardly depends on whether the person was known: the shape of its commits and
// what it looks for, beside the measurement of its time (docs/performance.md, "The registry at size"). What
// still differs is named here, and is what the ticks of its answers cover (ADR 43).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/storage/memory/memory_store.h"
#include "services/consent/handlers/person_handlers.h"
#include "services/consent/testing/noting_store.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using ::testing::IsEmpty;
using testing::Look;
using testing::NotingStore;
using testing::Shape;
using testing::SimWorld;

struct Work {
  std::vector<Shape> commits;
  std::vector<Look> looks;
  std::vector<Look> key_looks;  // in the log
};

std::vector<Shape> BesideTheKeys(std::vector<Shape> commits) {
  for (Shape& shape : commits) {
    shape.log_rows.clear();
  }
  return commits;
}

size_t KeysWritten(const std::vector<Shape>& commits) {
  size_t count = 0;
  for (const Shape& shape : commits) {
    count += shape.log_rows.size();
  }
  return count;
}

// Rows of one kind have keys of one beginning.
std::string KindOf(const std::string& key) { return key.substr(0, key.find('/')); }

// How often rows of a kind were found, and how often they were not there.
using Counts = std::map<std::pair<std::string, bool>, int>;
Counts CountsOf(const Work& work) {
  Counts counts;
  for (const Look& look : work.looks) {
    ++counts[{KindOf(look.key), look.found}];
  }
  return counts;
}

// Of the first more than of the second.
Counts Less(const Work& one, const Work& other) {
  Counts counts = CountsOf(one);
  for (const auto& [what, count] : CountsOf(other)) {
    counts[what] -= count;
  }
  std::erase_if(counts, [](const auto& each) { return each.second == 0; });
  return counts;
}

class RegisterShape : public ::testing::Test {
 protected:
  audit::testing::HarnessOptions Noting() {
    audit::testing::HarnessOptions options = SimWorld::DefaultOptions();
    options.make_store =
        [this](Executor& executor,
               storage::Sequencer& sequencer) -> absl::StatusOr<std::unique_ptr<storage::Store>> {
      storage::MemoryStore::Options strict;
      strict.strict = true;
      auto noting = std::make_unique<NotingStore>(
          std::make_unique<storage::MemoryStore>(disk_, executor, sequencer, std::move(strict)));
      store_ = noting.get();
      return absl::StatusOr<std::unique_ptr<storage::Store>>(std::move(noting));
    };
    return options;
  }
  // Names of one length, so that sizes can be compared.
  Work Register(const std::string& request_id, const std::string& own_identifier,
                const std::string& institution = "ville-paris",
                const v1::Traits& traits = SimWorld::Marie()) {
    store_->Take();
    store_->TakeLooks();
    store_->TakeKeyLooks();
    const auto response = world_.Register(request_id, own_identifier, traits, institution);
    EXPECT_TRUE(response.ok()) << response.status();
    return {store_->Take(), store_->TakeLooks(), store_->TakeKeyLooks()};
  }

  std::shared_ptr<storage::MemoryDisk> disk_ = std::make_shared<storage::MemoryDisk>();
  NotingStore* store_ = nullptr;  // the world's
  SimWorld world_{Noting()};
};

// The commits are alike but for the row of a new person's key; the reads are as many, and find or do not find
// her name, herself and her record. These are cheaper where they are found in memory, dearer where they are
// found on the disk: ADR 43.
TEST_F(RegisterShape, WhatDiffersWhereTheInstitutionKnowsHer) {
  Register("r0", "case-0");  // the first of all writes a shorter row: its log is empty
  const Work unknown = Register("r1", "case-1");
  const Work known = Register("r2", "case-1");
  // Her request, her name, herself, her record at each of the two suppliers.
  EXPECT_EQ(unknown.commits.size(), 5u);
  EXPECT_EQ(BesideTheKeys(known.commits), BesideTheKeys(unknown.commits));
  EXPECT_EQ(KeysWritten(unknown.commits), 1u);
  EXPECT_EQ(KeysWritten(known.commits), 0u);
  ASSERT_EQ(unknown.key_looks.size(), 1u);
  EXPECT_FALSE(unknown.key_looks.front().found);
  EXPECT_THAT(known.key_looks, IsEmpty()) << "her key is in memory";
  EXPECT_EQ(known.looks.size(), unknown.looks.size());
  const Counts differences = {{{"claim", true}, 1},   {{"claim", false}, -1}, {{"state", true}, 1},
                              {{"state", false}, -1}, {{"record", true}, 1},  {{"record", false}, -1}};
  EXPECT_EQ(Less(known, unknown), differences);
}

TEST_F(RegisterShape, NothingDiffersWhereAnotherInstitutionKnowsHer) {
  Register("r0", "case-0", "casvp");
  const Work known = Register("r1", "case-1");  // the same human, by her traits
  v1::Traits other = SimWorld::Marie();
  other.set_surname("Martin");
  other.set_first_names("Jeanne Mariane");
  const Work unknown = Register("r2", "case-2", "ville-paris", other);
  EXPECT_EQ(known.commits, unknown.commits);
  EXPECT_EQ(CountsOf(known), CountsOf(unknown));
  EXPECT_EQ(known.key_looks.size(), unknown.key_looks.size());
}

// The traits that come with a known name may be others than were first given, with an address or without: the
// commits are as many.
TEST_F(RegisterShape, ItsCommitsAreAsManyWhateverTraitsAreGivenAndStood) {
  v1::Traits nowhere = SimWorld::Marie();
  nowhere.clear_address();
  v1::Traits other = SimWorld::Marie();
  other.set_surname("Martin");
  int count = 0;
  for (const v1::Traits& first : {SimWorld::Marie(), nowhere, other, v1::Traits()}) {
    for (const v1::Traits& then : {SimWorld::Marie(), nowhere, other, v1::Traits()}) {
      const std::string name = absl::StrCat("case-", ++count);
      const Work unknown = Register(absl::StrCat(name, "-new"), name, "ville-paris", first);
      const Work known = Register(absl::StrCat(name, "-again"), name, "ville-paris", then);
      EXPECT_EQ(unknown.commits.size(), 5u) << name;
      EXPECT_EQ(known.commits.size(), 5u) << name;
      EXPECT_EQ(known.looks.size(), unknown.looks.size()) << name;
    }
  }
}

// An objection on her record is applied at her first registration: a commit more, with a leaf.
TEST_F(RegisterShape, AnObjectionIsACommitMore) {
  Register("r0", "case-0");
  ASSERT_TRUE(world_.Object(SimWorld::ObjectionOf("ob1", {"edf"})).ok());
  const Work objected = Register("r1", "case-1");
  v1::Traits other = SimWorld::Marie();
  other.set_surname("Martin");
  const Work free = Register("r2", "case-2", "ville-paris", other);
  EXPECT_EQ(objected.commits.size(), free.commits.size() + 1);
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
