// Those who have to do with papers: at a desk that is her host she agrees, deposits, shares, reads and
// destroys, and says no; an association reads what was shared with it, and tries what is no more. What is
// refused is a usual answer here: another desk withdraws everything for her now and then (LifeOfPerson).
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/crypto/sha256.h"
#include "services/vault/handlers/complete_upload.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/host_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/handlers/share_handlers.h"
#include "services/vault/handlers/upload_handlers.h"
#include "tests/sim/world.h"

namespace relais::sim {
namespace {

constexpr int kKeepers = 2;  // persons of LifeOfPerson; one more is erased
constexpr int kSteps = 7;
constexpr int kErasedAt = 4;           // of them
constexpr uint64_t kMostPause = 2500;  // milliseconds
constexpr uint64_t kMostFiller = 300;
constexpr uint32_t kWhole = 1024;
constexpr char kHost[] = "ville-paris";
constexpr char kReader[] = "emmaus";
constexpr char kPurpose[] = "RIGHTS_OPENING";
constexpr absl::Duration kSharedFor = absl::Hours(24 * 30);

consent::v1::ConsentLine PaperLine(const char* recipient, common::v1::Act act) {
  consent::v1::ConsentLine line;
  line.add_purposes(kPurpose);
  line.add_categories("DOCUMENTS");
  line.add_recipients()->set_institution(recipient);
  line.add_acts(act);
  return line;
}

// Another one for each id.
std::string TextOf(const std::string& id, uint64_t filler) {
  std::string text = absl::StrCat("%PDF-1.7\n", id, "\n");
  for (uint64_t i = 0; i < filler; ++i) {
    text += static_cast<char>('a' + i % 26);
  }
  return text;
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status);
}

}  // namespace

/// A person's desk, and what it believes.
struct World::PaperDesk {
  rpc::Call call;
  common::v1::PersonRef person;
  Id128 id;
  std::string consent;              // the last agreement it recorded
  std::string host;                 // the agreement on which it was last linked; empty: it is no host of hers
  std::vector<std::string> papers;  // document ids, destroyed ones too
};

// False of a refusal; and of one that knows nobody of hers here, the desk takes itself for no host any more.
bool World::Answered(PaperDesk& desk, const char* method, const absl::Status& status) {
  if (!status.ok() && !IsRefusal(status)) {
    Fail(absl::StrCat(method, ": ", status.ToString()));
  }
  if (absl::IsNotFound(status)) {
    desk.host.clear();
  }
  return status.ok();
}

Task<bool> World::OpensDesk(PaperDesk& desk, std::string own_identifier) {
  consent::v1::RegisterRequest request;
  request.set_request_id("papers-" + own_identifier);
  request.set_own_identifier(own_identifier);
  desk.call = CallOf(kHost, "dsol");
  const auto registered = co_await AskFor(*consent_, desk.call, std::move(request),
                                          &consent::Service::persons, &consent::PersonHandlers::Register);
  if (!registered.ok()) {
    Fail(absl::StrCat("Register, papers: ", registered.status().ToString()));
    co_return false;
  }
  desk.person = registered->person();
  const auto id = handles_->FromHandle(desk.person.handle(), kHost);
  if (!id.ok()) {
    Fail("a person is not named by the desk's own handle");
    co_return false;
  }
  desk.id = *id;
  papers_.persons.insert(desk.id);
  co_return true;
}

Task<void> World::KeepsPapers(int number, bool erased) {
  PaperDesk desk;
  const std::string own_identifier = absl::StrCat(erased ? "gone-" : "case-", number);
  const bool open = co_await OpensDesk(desk, own_identifier);
  for (int step = 0; open && step < kSteps; ++step) {
    const bool go_on = co_await Pause(kMostPause);
    if (!go_on) {
      break;
    }
    const std::string id = absl::StrCat("paper-", number, "-", step);
    if (erased && step == kErasedAt) {
      co_await AsksToBeErased(desk, id);
    } else if (desk.host.empty()) {
      co_await AgreesToPapers(desk, id);
    } else {
      co_await ActsOnPapers(desk, id);
    }
  }
  --running_;
}

Task<void> World::ActsOnPapers(PaperDesk& desk, std::string id) {
  const uint64_t choice = sim_.Below(10);
  if (desk.papers.empty() || choice < 4) {
    co_await Deposits(desk, id);
    co_return;
  }
  const std::string document = desk.papers[sim_.Below(desk.papers.size())];
  if (choice < 6) {
    co_await Shares(desk, id, document);
  } else if (choice == 6) {
    PaperRead read;
    read.person = desk.id;
    read.consent = desk.host;
    read.act = common::v1::ACT_HOST;
    const absl::Status status = co_await ReadsPaper(desk.call, read, document, "");
    Answered(desk, "ReadRange", status);
  } else if (choice == 7) {
    co_await Destroys(desk, id, document);
  } else if (choice == 8) {
    co_await SaysNoToPapers(desk, id);
  } else {
    co_await AgreesToPapers(desk, id);
  }
}

Task<void> World::AgreesToPapers(PaperDesk& desk, std::string id) {
  consent::v1::RecordConsentRequest request;
  request.set_request_id(id);
  *request.mutable_person() = desk.person;
  *request.add_lines() = PaperLine(kHost, common::v1::ACT_HOST);
  *request.add_lines() = PaperLine(kReader, common::v1::ACT_SHARE_DOCUMENT);
  request.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
  request.set_method(consent::v1::METHOD_SIGNED_PAPER);
  request.mutable_notice()->set_id("notice");
  request.mutable_notice()->set_version("1");
  const auto agreed = co_await AskFor(*consent_, desk.call, std::move(request), &consent::Service::agreements,
                                      &consent::AgreementHandlers::RecordConsent);
  if (!Answered(desk, "RecordConsent, papers", agreed.status())) {
    co_return;
  }
  desk.consent = agreed->consent_id();
  vault::v1::LinkHostRequest link;
  link.set_request_id(id);
  *link.mutable_person() = desk.person;
  link.set_consent_id(desk.consent);
  link.set_purpose(kPurpose);
  const auto linked = co_await AskFor(*vault_, desk.call, std::move(link), &vault::Service::hosts,
                                      &vault::HostHandlers::LinkHost);
  if (Answered(desk, "LinkHost", linked.status())) {
    desk.host = desk.consent;
  }
}

// That agreement as a whole, or only that papers are shared. The desk goes on as if it could.
Task<void> World::SaysNoToPapers(PaperDesk& desk, std::string id) {
  if (sim_.Below(3) == 0) {
    consent::v1::RecordRefusalRequest request;
    request.set_request_id(id);
    *request.mutable_person() = desk.person;
    *request.add_lines() = PaperLine(kReader, common::v1::ACT_SHARE_DOCUMENT);
    const auto refused =
        co_await AskFor(*consent_, desk.call, std::move(request), &consent::Service::agreements,
                        &consent::AgreementHandlers::RecordRefusal);
    Answered(desk, "RecordRefusal, papers", refused.status());
    co_return;
  }
  consent::v1::WithdrawConsentRequest request;
  request.set_request_id(id);
  *request.mutable_person() = desk.person;
  request.set_consent_id(desk.consent);
  const auto withdrawn =
      co_await AskFor(*consent_, desk.call, std::move(request), &consent::Service::agreements,
                      &consent::AgreementHandlers::WithdrawConsent);
  Answered(desk, "WithdrawConsent, papers", withdrawn.status());
}

Task<void> World::Deposits(PaperDesk& desk, std::string id) {
  const std::string text = TextOf(id, sim_.Below(kMostFiller));
  vault::v1::BeginUploadRequest begin;
  begin.set_request_id(id);
  *begin.mutable_person() = desk.person;
  begin.mutable_description()->set_type(vault::v1::DOCUMENT_TYPE_TAX_NOTICE);
  begin.mutable_description()->set_title(id);
  if (sim_.Below(3) == 0) {
    common::v1::Date& expires = *begin.mutable_description()->mutable_expires();
    expires.set_year(2027);
    expires.set_month(6);
    expires.set_day(30);
  }
  begin.set_size(text.size());
  const auto begun = co_await AskFor(*vault_, desk.call, std::move(begin), &vault::Service::uploads,
                                     &vault::UploadHandlers::BeginUpload);
  if (!Answered(desk, "BeginUpload", begun.status())) {
    co_return;
  }
  vault::v1::UploadPieceRequest piece;
  *piece.mutable_person() = desk.person;
  piece.set_upload_id(begun->upload().upload_id());
  piece.set_data(text);
  // Whatever it answers: the completion looks at what is there.
  const auto sent = co_await AskFor(*vault_, desk.call, std::move(piece), &vault::Service::uploads,
                                    &vault::UploadHandlers::UploadPiece);
  Answered(desk, "UploadPiece", sent.status());
  vault::v1::CompleteUploadRequest complete;
  complete.set_request_id(id);
  *complete.mutable_person() = desk.person;
  complete.set_upload_id(begun->upload().upload_id());
  complete.set_sha256(crypto::Sha256(text));
  const auto completed = co_await AskFor(*vault_, desk.call, std::move(complete), &vault::Service::completing,
                                         &vault::CompleteUploadHandlers::CompleteUpload);
  if (Answered(desk, "CompleteUpload", completed.status())) {
    Paper paper;
    paper.person = desk.id;
    paper.text = text;
    const std::string& document = completed->document().document_id();
    papers_.papers.emplace(document, std::move(paper));
    desk.papers.push_back(document);
    ++counts_.deposits;
  }
}

Task<void> World::Shares(PaperDesk& desk, std::string id, std::string document_id) {
  vault::v1::ShareRequest request;
  request.set_request_id(id);
  *request.mutable_person() = desk.person;
  request.set_document_id(document_id);
  request.mutable_recipient()->set_institution(kReader);
  request.set_purpose(kPurpose);
  *request.mutable_until() = ToProto(sim_.Now() + kSharedFor);
  request.set_consent_id(desk.consent);
  const auto shared = co_await AskFor(*vault_, desk.call, std::move(request), &vault::Service::shares,
                                      &vault::ShareHandlers::Share);
  if (Answered(desk, "Share", shared.status())) {
    GivenShare given;
    given.share_id = shared->share().share_id();
    given.document_id = document_id;
    given.person = desk.id;
    given.consent = desk.consent;
    papers_.shares.push_back(std::move(given));
  }
}

Task<void> World::Destroys(PaperDesk& desk, std::string id, std::string document_id) {
  papers_.papers.at(document_id).asked = true;
  vault::v1::DestroyRequest request;
  request.set_request_id(id);
  *request.mutable_person() = desk.person;
  request.set_document_id(document_id);
  const auto destroyed = co_await AskFor(*vault_, desk.call, std::move(request), &vault::Service::destroying,
                                         &vault::DestroyHandlers::Destroy);
  if (Answered(desk, "Destroy", destroyed.status())) {
    papers_.papers.at(document_id).destroyed = true;
  }
}

// The desk goes on after it: of her nothing may come back.
Task<void> World::AsksToBeErased(PaperDesk& desk, std::string id) {
  consent::v1::EraseRequest request;
  request.set_request_id(id);
  *request.mutable_person() = desk.person;
  request.set_cause(consent::v1::ERASURE_CAUSE_REQUEST);
  const rpc::Call steward = CallOf(kHost, "steward");
  const auto erased = co_await AskFor(*consent_, steward, std::move(request), &consent::Service::erasures,
                                      &consent::ErasureHandlers::Erase);
  if (!erased.ok()) {
    Fail(absl::StrCat("Erase: ", erased.status().ToString()));
    co_return;
  }
  papers_.erased.emplace(desk.id, erased->erasure_id());
  ++counts_.erasures;
}

// ---- reading

Task<absl::StatusOr<vault::v1::ReadRangeResponse>> World::ReadAndWatch(
    Node<vault::Service>::ProcessPtr process, rpc::Call call, PaperRead read,
    vault::v1::ReadRangeRequest request) {
  read.began = sim_.Now();
  read.applied = process->service->consent_follower()->applied();
  const std::string document = request.document_id();
  const bool destroyed = papers_.papers.at(document).destroyed;
  auto answer = co_await process->service->readings().ReadRange(std::move(call), std::move(request));
  if (!answer.ok() || !*process->life) {
    co_return answer;
  }
  if (destroyed) {
    Fail(absl::StrCat("paper ", document, " was read after it had been destroyed"));
  }
  if (answer->data() != papers_.papers.at(document).text) {
    Fail(absl::StrCat("paper ", document, " reads otherwise than it was deposited"));
  }
  papers_.reads.push_back(std::move(read));
  co_return answer;
}

// `share_id` empty: as her host.
Task<absl::Status> World::ReadsPaper(rpc::Call call, PaperRead read, std::string document_id,
                                     std::string share_id) {
  vault::v1::ReadRangeRequest request;
  request.mutable_person()->set_handle(handles_->ToHandle(read.person, call.caller.institution));
  request.set_document_id(document_id);
  request.set_share_id(share_id);
  request.set_length(kWhole);
  const auto invoke_read = [this, call, read](auto process, vault::v1::ReadRangeRequest inner) {
    return ReadAndWatch(std::move(process), call, read, std::move(inner));
  };
  const auto answer = co_await Ask<vault::Service, vault::v1::ReadRangeRequest, vault::v1::ReadRangeResponse>(
      *vault_, request, invoke_read);
  co_return answer.status();
}

Task<void> World::ReadsShare(rpc::Call call, GivenShare share) {
  PaperRead read;
  read.person = share.person;
  read.consent = share.consent;
  read.act = common::v1::ACT_SHARE_DOCUMENT;
  const absl::Status status = co_await ReadsPaper(call, read, share.document_id, share.share_id);
  if (status.ok()) {
    ++counts_.shared_reads;
  } else if (IsRefusal(status)) {
    ++counts_.refused_reads;
  } else {
    Fail(absl::StrCat("ReadRange, shared: ", status.ToString()));
  }
}

// Whatever was ever shared, and once the world is calm each of it once more.
Task<void> World::ReadsShares() {
  const rpc::Call call = CallOf(kReader, "maraude");
  bool go_on = true;
  while (go_on) {
    go_on = co_await Pause(kMostPause);
    if (!papers_.shares.empty()) {
      const GivenShare share = papers_.shares[sim_.Below(papers_.shares.size())];
      co_await ReadsShare(call, share);
    }
  }
  for (size_t i = 0; i < papers_.shares.size(); ++i) {
    const GivenShare share = papers_.shares[i];
    co_await ReadsShare(call, share);
  }
  --running_;
}

void World::StartPapers() {
  running_ += kKeepers + 2;
  for (int i = 0; i < kKeepers; ++i) {
    Spawn(sim_, KeepsPapers(i, false));
  }
  Spawn(sim_, KeepsPapers(kKeepers, true));
  Spawn(sim_, ReadsShares());
}

}  // namespace relais::sim
