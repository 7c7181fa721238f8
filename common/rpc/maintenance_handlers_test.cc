#include "common/rpc/maintenance_handlers.h"

#include <gmock/gmock.h>

#include "common/base/testing/sim_executor.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromCivil(absl::CivilDay(2026, 11, 10), absl::UTCTimeZone());

// Backups that are only remembered.
struct FakeBackups {
  std::vector<StoredBackup> kept;
  std::vector<uint32_t> removed;
  absl::Status whole;
  std::vector<uint32_t> papers;  // epochs of papers that have a key

  Backups Functions() {
    Backups backups;
    backups.create = [this](const std::string& about) -> absl::StatusOr<StoredBackup> {
      kept.push_back({static_cast<uint32_t>(kept.size() + 1), kStart, 100, about});
      return kept.back();
    };
    backups.list = [this]() -> absl::StatusOr<std::vector<StoredBackup>> {
      return kept.empty() ? absl::StatusOr<std::vector<StoredBackup>>(absl::NotFoundError("no folder"))
                          : kept;
    };
    backups.verify = [this](uint32_t) { return whole; };
    backups.remove = [this](uint32_t id) {
      removed.push_back(id);
      std::erase_if(kept, [id](const StoredBackup& backup) { return backup.id == id; });
      return absl::OkStatus();
    };
    return backups;
  }
};

class MaintenanceHandlersTest : public ::testing::Test {
 protected:
  MaintenanceHandlersTest() : world_(sim_, sim_), context_(world_.context()) {
    audit::MaintenanceOptions options;
    options.institution = "service/consent";
    options.wait_for = {"routing"};
    auto opened = audit::Maintenance::Open(options, world_.log(), world_.store(), world_.ring(), sim_,
                                           context_.random, sim_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    maintenance_ = *std::move(opened);
    context_.maintenance = maintenance_.get();
    handlers_.emplace(context_, backups_.Functions());
    maintenance_->Start();
  }
  ~MaintenanceHandlersTest() override {
    Run(maintenance_->Stop());
    sim_.RunFor(absl::Minutes(1));
  }

  template <typename T>
  T Run(Task<T> task) {
    std::optional<T> result;
    Start(std::move(task), [&result](T value) { result.emplace(std::move(value)); });
    EXPECT_TRUE(sim_.RunUntil([&result] { return result.has_value(); }, absl::Hours(1)));
    return *std::move(result);
  }
  Call Operator() const {
    Call call;
    call.caller = testing::InstitutionCaller("auditor", "suite", common::v1::ROLE_OPERATOR);
    call.directory = world_.directory();
    return call;
  }
  Id128 Ask() {
    audit::ErasureRequest request;
    request.id = context_.random.Id();
    request.subjects = {audit::Subject{audit::Subject::Kind::kPerson, context_.random.Id()}};
    request.cause = "REQUEST";
    const Id128 id = request.id;
    audit::Event event;
    event.institution = "ville-paris";
    storage::CommitRequest commit;
    commit.partition = {storage::PartitionKind::kPerson, request.subjects[0].id};
    EXPECT_TRUE(Run(maintenance_->Request(std::move(request), event, std::move(commit))).ok());
    return id;
  }
  absl::StatusOr<audit::v1::GetErasureResponse> Certificate(const Id128& id) {
    audit::v1::GetErasureRequest request;
    request.set_erasure_id(id.ToHex());
    return Run(handlers_->GetErasure(Operator(), request));
  }
  audit::v1::GetStatusResponse Status() {
    return Run(handlers_->GetStatus(Operator(), audit::v1::GetStatusRequest())).value();
  }

  relais::testing::SimExecutor sim_{1, kStart};
  testing::ServiceWorld world_;
  ServiceContext context_;
  FakeBackups backups_;
  std::unique_ptr<audit::Maintenance> maintenance_;
  std::optional<MaintenanceHandlers> handlers_;
};

TEST_F(MaintenanceHandlersTest, AnErasureFromRequestToTheEndOfItsEpoch) {
  const Id128 id = Ask();
  sim_.RunFor(absl::Seconds(5));
  auto certificate = Certificate(id);
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  EXPECT_THAT(certificate->waiting_for(), ElementsAre("routing"));
  EXPECT_TRUE(certificate->has_requested());
  EXPECT_FALSE(certificate->has_destroyed());
  ASSERT_EQ(Status().erasures_size(), 1);
  EXPECT_THAT(Status().erasures(0).waiting_for(), ElementsAre("routing"));

  ASSERT_TRUE(Run(maintenance_->AcknowledgedBy(id, "routing")).ok());
  sim_.RunFor(absl::Seconds(5));
  certificate = Certificate(id);
  EXPECT_TRUE(certificate->has_destroyed());
  EXPECT_FALSE(certificate->has_epoch_ended());
  const audit::NamedVerifyKey key{world_.log().origin(), world_.verify_key()};
  EXPECT_TRUE(audit::VerifyProof(certificate->erased(), {key}).ok());
  EXPECT_EQ(Status().erasures_size(), 0);

  const auto rotated = Run(handlers_->RotateEpoch(Operator(), audit::v1::RotateEpochRequest()));
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  EXPECT_THAT(rotated->rotated().erasure_ids(), ElementsAre(id.ToHex()));
  EXPECT_TRUE(audit::VerifyProof(rotated->written().proof(), {key}).ok());
  certificate = Certificate(id);
  EXPECT_TRUE(certificate->has_epoch_ended());
  EXPECT_TRUE(audit::VerifyProof(certificate->epoch_rotated(), {key}).ok());
  EXPECT_EQ(Status().epoch(), 2);
}

TEST_F(MaintenanceHandlersTest, UnknownErasuresAndMonths) {
  EXPECT_EQ(ReasonOf(Certificate(context_.random.Id()).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  audit::v1::DestroyMonthRequest month;
  month.set_month("2026-11");
  EXPECT_EQ(ReasonOf(Run(handlers_->DestroyMonth(Operator(), month)).status()),
            common::v1::ERROR_REASON_WRONG_STATE)
      << "it is not over";
  month.set_month("2020-01");
  EXPECT_EQ(ReasonOf(Run(handlers_->DestroyMonth(Operator(), month)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST_F(MaintenanceHandlersTest, AMonthIsDestroyedWithProof) {
  (void)Ask();
  sim_.RunFor(absl::Hours(24 * 40));
  ASSERT_THAT(Status().months(), ::testing::Contains("2026-11"));
  audit::v1::DestroyMonthRequest month;
  month.set_month("2026-11");
  const auto destroyed = Run(handlers_->DestroyMonth(Operator(), month));
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_TRUE(destroyed->written().has_proof());
  EXPECT_THAT(Status().months(), ::testing::Not(::testing::Contains("2026-11")));
}

TEST_F(MaintenanceHandlersTest, BackupsOfPastEpochsGoWithTheNextOne) {
  EXPECT_THAT(Run(handlers_->ListBackups(Operator(), audit::v1::ListBackupsRequest()))->backups(), IsEmpty());
  (void)Ask();
  const auto first = Run(handlers_->CreateBackup(Operator(), audit::v1::CreateBackupRequest()));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->backup().epoch(), 1);
  EXPECT_TRUE(first->backup().usable());
  EXPECT_NE(first->backup().checkpoint(), "");
  ASSERT_TRUE(Run(handlers_->RotateEpoch(Operator(), audit::v1::RotateEpochRequest())).ok());
  const auto listed = Run(handlers_->ListBackups(Operator(), audit::v1::ListBackupsRequest()));
  ASSERT_EQ(listed->backups_size(), 1);
  EXPECT_FALSE(listed->backups(0).usable()) << "it opens nothing any more";
  ASSERT_TRUE(Run(handlers_->CreateBackup(Operator(), audit::v1::CreateBackupRequest())).ok());
  EXPECT_THAT(backups_.removed, ElementsAre(1));
}

// A backup of the vault from before a rotation of the papers' epoch opens no paper.
TEST_F(MaintenanceHandlersTest, BackupsWhosePapersOpenNoMore) {
  (void)Ask();
  Backups functions = backups_.Functions();
  functions.papers_epochs = [this] { return backups_.papers; };
  MaintenanceHandlers vault(context_, functions);
  const auto create = [&] { return Run(vault.CreateBackup(Operator(), audit::v1::CreateBackupRequest())); };
  const auto usable = [&] {
    std::string all;  // + or - of each
    const auto listed = Run(vault.ListBackups(Operator(), audit::v1::ListBackupsRequest()));
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const audit::v1::Backup& backup : listed->backups()) {
      all += backup.usable() ? '+' : '-';
    }
    return all;
  };
  EXPECT_EQ(create()->backup().papers_epoch(), 0u) << "no paper yet";
  backups_.papers = {1};
  EXPECT_EQ(create()->backup().papers_epoch(), 1u);
  backups_.papers = {1, 2};  // a rotation is under way: it may hold keys of both
  EXPECT_EQ(create()->backup().papers_epoch(), 1u);
  EXPECT_EQ(usable(), "+++");
  backups_.papers = {2};
  EXPECT_EQ(usable(), "+--");
  EXPECT_TRUE(create()->backup().usable());
  EXPECT_THAT(backups_.removed, ElementsAre(2, 3));
}

TEST_F(MaintenanceHandlersTest, ABackupThatIsNotThereOrNotWhole) {
  (void)Ask();
  ASSERT_TRUE(Run(handlers_->CreateBackup(Operator(), audit::v1::CreateBackupRequest())).ok());
  audit::v1::VerifyBackupRequest verify;
  verify.set_id(7);
  EXPECT_EQ(ReasonOf(Run(handlers_->VerifyBackup(Operator(), verify)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  verify.set_id(1);
  EXPECT_TRUE(Run(handlers_->VerifyBackup(Operator(), verify)).ok());
  backups_.whole = absl::DataLossError("a file is damaged");
  EXPECT_TRUE(absl::IsDataLoss(Run(handlers_->VerifyBackup(Operator(), verify)).status()));
}

TEST_F(MaintenanceHandlersTest, WithoutAFolderThereAreNoBackups) {
  MaintenanceHandlers none(context_, {});
  EXPECT_EQ(ReasonOf(Run(none.CreateBackup(Operator(), audit::v1::CreateBackupRequest())).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(ReasonOf(Run(none.ListBackups(Operator(), audit::v1::ListBackupsRequest())).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
}

}  // namespace
}  // namespace relais::rpc
