#include "common/rpc/hold_handlers.h"

#include <gmock/gmock.h>

#include <optional>
#include <set>

#include "common/audit/maintenance.h"
#include "common/base/testing/sim_executor.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/testing/service_world.h"
#include "common/rpc/validate.h"

namespace relais::rpc {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromCivil(absl::CivilDay(2026, 11, 10), absl::UTCTimeZone());

class HoldHandlersTest : public ::testing::Test {
 protected:
  HoldHandlersTest() : world_(sim_, sim_), context_(world_.context()) {
    audit::MaintenanceOptions options;
    options.institution = "service/consent";
    auto opened = audit::Maintenance::Open(options, world_.log(), world_.store(), world_.ring(), sim_,
                                           context_.random, sim_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    maintenance_ = *std::move(opened);
    context_.maintenance = maintenance_.get();
    handlers_.emplace(context_);
  }
  template <typename T>
  T Run(Task<T> task) {
    std::optional<T> result;
    Start(std::move(task), [&result](T value) { result.emplace(std::move(value)); });
    EXPECT_TRUE(sim_.RunUntil([&result] { return result.has_value(); }, absl::Hours(1)));
    return *std::move(result);
  }
  Call As(const std::string& institution, const std::string& system, common::v1::Role role) const {
    Call call;
    call.caller = testing::InstitutionCaller(institution, system, role);
    call.directory = world_.directory();
    return call;
  }
  Call Auditor() const { return As("auditor", "suite", common::v1::ROLE_AUDITOR); }
  Id128 Place() {
    audit::HoldRequest request;
    request.id = context_.random.Id();
    request.subject = {audit::Subject::Kind::kPerson, context_.random.Id()};
    request.order_reference = "RG 26/1";
    request.until = world_.log().Now() + absl::Hours(24);
    const Id128 id = request.id;
    audit::Event event;
    event.institution = "ville-paris";
    event.subject = request.subject;
    event.event_class = audit::v1::EVENT_CLASS_CHECK_DECIDED;
    event.event_id = context_.random.Id();
    EXPECT_TRUE(Run(WriteLoneLeaf(context_, event)).ok());
    const auto placed = Run(maintenance_->holds().Place(std::move(request), std::move(event)));
    EXPECT_TRUE(placed.ok()) << placed.status();
    return id;
  }
  absl::StatusOr<audit::v1::ReadHoldResponse> Read(const Id128& id, const Call& call, uint32_t size = 0,
                                                   const std::string& token = "") {
    audit::v1::ReadHoldRequest request;
    request.set_hold_id(id.ToHex());
    request.set_page_size(size);
    request.set_page_token(token);
    return Run(handlers_->ReadHold(call, request));
  }
  size_t ReadsLogged(const Id128& id) {
    size_t count = 0;
    const auto leaves = world_.log().ReadOpened(0, 1000);
    EXPECT_TRUE(leaves.ok()) << leaves.status();
    for (const audit::OpenedLeaf& leaf : *leaves) {
      audit::v1::LogRead read;
      count += leaf.details.payload().UnpackTo(&read) && read.kind() == "HOLD" && read.hold_id() == id.ToHex()
                   ? 1
                   : 0;
    }
    return count;
  }

  relais::testing::SimExecutor sim_{1, kStart};
  testing::ServiceWorld world_;
  ServiceContext context_;
  std::unique_ptr<audit::Maintenance> maintenance_;
  std::optional<HoldHandlers> handlers_;
};

TEST_F(HoldHandlersTest, AnAuditorReadsTheCopyAndTheLogSaysSo) {  // D-2.10
  const Id128 id = Place();
  const auto first = Read(id, Auditor(), 1);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->order_reference(), "RG 26/1");
  EXPECT_EQ(first->hold().hold_id(), id.ToHex());
  ASSERT_THAT(first->items(), SizeIs(1));
  EXPECT_EQ(ReadsLogged(id), 1);
  const auto next = Read(id, Auditor(), 1, "692f");  // a token that was never given
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(ReadsLogged(id), 2) << "no page without its leaf";
}

TEST_F(HoldHandlersTest, ItsPagesFollowEachOtherAsTheApiAllows) {
  const Id128 id = Place();
  Validator validator;
  ASSERT_TRUE(validator.Prepare(audit::v1::ReadHoldRequest::descriptor()).ok());
  std::set<uint64_t> leaves;
  std::string token;
  size_t pages = 0;
  do {
    audit::v1::ReadHoldRequest request;
    request.set_hold_id(id.ToHex());
    request.set_page_size(1);
    request.set_page_token(token);
    EXPECT_TRUE(validator.Check(request).status.ok()) << "a token that the service gave";
    const auto page = Run(handlers_->ReadHold(Auditor(), request));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const audit::v1::HeldItem& item : page->items()) {
      leaves.insert(item.leaf().index());
    }
    token = page->next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_GE(pages, 2);
  EXPECT_EQ(leaves.size(), pages) << "each once";
}

TEST_F(HoldHandlersTest, OnlyAScopeOverTheWholeLogReadsIt) {
  const Id128 id = Place();
  for (const Call& call : {As("ville-paris", "dpo", common::v1::ROLE_DPO),
                           As("ville-paris", "steward", common::v1::ROLE_STEWARD)}) {
    EXPECT_EQ(ReasonOf(Read(id, call).status()), common::v1::ERROR_REASON_MISSING_ROLE);
  }
  EXPECT_EQ(ReadsLogged(id), 0);
}

TEST_F(HoldHandlersTest, WhatIsNotThereIsRefused) {
  EXPECT_EQ(ReasonOf(Read(context_.random.Id(), Auditor()).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  const Id128 id = Place();
  EXPECT_TRUE(absl::IsInvalidArgument(Read(id, Auditor(), 1, "abc").status())) << "half a byte";
  audit::Event event;
  event.institution = "ville-paris";
  event.event_id = context_.random.Id();
  ASSERT_TRUE(Run(maintenance_->holds().Release(id, event)).ok());
  EXPECT_EQ(ReasonOf(Read(id, Auditor()).status()), common::v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(HoldHandlersTest, TheListNamesNobody) {
  const auto none = Run(handlers_->ListHolds(Auditor(), {}));
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_THAT(none->holds(), IsEmpty());
  const Id128 id = Place();
  const auto list = Run(handlers_->ListHolds(As("operator", "ops", common::v1::ROLE_OPERATOR), {}));
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_THAT(list->holds(), SizeIs(1));
  EXPECT_EQ(list->holds(0).hold_id(), id.ToHex());
  EXPECT_FALSE(list->holds(0).has_ended());
  EXPECT_EQ(list->ShortDebugString().find("RG 26/1"), std::string::npos);
}

}  // namespace
}  // namespace relais::rpc
