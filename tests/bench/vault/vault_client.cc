#include "tests/bench/vault/vault_client.h"

#include <chrono>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/status_mapping.h"
#include "tests/bench/sample.h"

namespace relais::bench {
namespace {

constexpr char kPurpose[] = "RIGHTS_OPENING";
constexpr absl::Duration kShareLasts = absl::Hours(24 * 30);

std::string FreshId() { return SystemRandom().Id().ToHex(); }

common::v1::PersonRef Person(const std::string& handle) {
  common::v1::PersonRef person;
  person.set_handle(handle);
  return person;
}

// One call; errors as rpc::FromGrpc.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                              const Request& request) {
  grpc::ClientContext context;
  PrepareCall(context);
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) {
    return rpc::FromGrpc(status);
  }
  return response;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VaultClient>> VaultClient::Connect(const VaultSuite& suite,
                                                                  const std::string& target,
                                                                  const std::string& institution,
                                                                  const std::string& system) {
  std::unique_ptr<VaultClient> made(new VaultClient);
  ASSIGN_OR_RETURN(const auto consent, bench::Connect(suite, suite.consent, "consent", institution, system));
  ASSIGN_OR_RETURN(const auto vault, bench::Connect(suite, target, "vault", institution, system));
  made->persons_ = consent::v1::PersonService::NewStub(consent);
  made->consents_ = consent::v1::ConsentService::NewStub(consent);
  made->documents_ = vault::v1::DocumentService::NewStub(vault);
  made->hosts_ = vault::v1::HostService::NewStub(vault);
  made->shares_ = vault::v1::ShareService::NewStub(vault);
  made->institution_ = institution;
  return made;
}

absl::StatusOr<std::string> VaultClient::NewPerson(const std::string& name) {
  consent::v1::RegisterRequest request;
  request.set_request_id(FreshId());
  request.set_own_identifier(name);
  ASSIGN_OR_RETURN(const auto registered,
                   Call(*persons_, &consent::v1::PersonService::Stub::Register, request));
  const std::string handle = registered.person().handle();
  vault::v1::LinkHostRequest link;
  link.set_request_id(FreshId());
  *link.mutable_person() = Person(handle);
  ASSIGN_OR_RETURN(const std::string agreement, Agree(handle, common::v1::ACT_HOST, institution_));
  link.set_consent_id(agreement);
  link.set_purpose(kPurpose);
  RETURN_IF_ERROR(Call(*hosts_, &vault::v1::HostService::Stub::LinkHost, link).status());
  return handle;
}

absl::StatusOr<std::string> VaultClient::Agree(const std::string& handle, common::v1::Act act,
                                               const std::string& recipient) {
  consent::v1::RecordConsentRequest request = AgreementOf(handle, FreshId());
  consent::v1::ConsentLine& line = *request.mutable_lines(0);
  line.Clear();
  line.add_purposes(kPurpose);
  line.add_categories("DOCUMENTS");
  line.add_recipients()->set_institution(recipient);
  line.add_acts(act);
  ASSIGN_OR_RETURN(const auto recorded,
                   Call(*consents_, &consent::v1::ConsentService::Stub::RecordConsent, request));
  return recorded.consent_id();
}

absl::Status VaultClient::Withdraw(const std::string& handle, const std::string& consent_id) {
  consent::v1::WithdrawConsentRequest request;
  request.set_request_id(FreshId());
  *request.mutable_person() = Person(handle);
  request.set_consent_id(consent_id);
  return Call(*consents_, &consent::v1::ConsentService::Stub::WithdrawConsent, request).status();
}

absl::StatusOr<VaultClient::Begun> VaultClient::Begin(const std::string& handle, uint64_t size) {
  vault::v1::BeginUploadRequest request;
  request.set_request_id(FreshId());
  *request.mutable_person() = Person(handle);
  request.mutable_description()->set_type(vault::v1::DOCUMENT_TYPE_OTHER);
  request.mutable_description()->set_title("bench");
  request.set_size(size);
  request.set_allow_duplicate(true);
  ASSIGN_OR_RETURN(const auto begun,
                   Call(*documents_, &vault::v1::DocumentService::Stub::BeginUpload, request));
  return Begun{begun.upload().upload_id(), begun.upload().document_id()};
}

absl::Status VaultClient::Send(const std::string& handle, const std::string& upload_id, uint64_t size,
                               const std::string& first, const std::string& piece) {
  grpc::ClientContext context;
  PrepareCall(context, std::chrono::hours(1));
  vault::v1::UploadResponse response;
  const auto stream = documents_->Upload(&context, &response);
  vault::v1::UploadRequest message;
  *message.mutable_open()->mutable_person() = Person(handle);
  message.mutable_open()->set_upload_id(upload_id);
  bool going = stream->Write(message);
  message.set_data(first);
  for (uint64_t sent = 0; going && sent < size;) {
    if (size - sent < message.data().size()) {
      message.mutable_data()->resize(size - sent);
    }
    going = stream->Write(message);
    sent += message.data().size();
    if (sent == first.size()) {
      message.set_data(piece);
    }
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (!status.ok()) {
    return rpc::FromGrpc(status);
  }
  return response.upload().committed() == size ? absl::OkStatus() : absl::DataLossError("not all was taken");
}

absl::Status VaultClient::Complete(const std::string& handle, const std::string& upload_id,
                                   const std::string& sha256) {
  vault::v1::CompleteUploadRequest request;
  request.set_request_id(FreshId());
  *request.mutable_person() = Person(handle);
  request.set_upload_id(upload_id);
  request.set_sha256(sha256);
  return Call(*documents_, &vault::v1::DocumentService::Stub::CompleteUpload, request).status();
}

absl::Status VaultClient::Download(const std::string& handle, const std::string& document_id, uint64_t length,
                                   const std::function<bool(size_t)>& each) {
  grpc::ClientContext context;
  PrepareCall(context, std::chrono::hours(1));
  vault::v1::DownloadRequest request;
  *request.mutable_person() = Person(handle);
  request.set_document_id(document_id);
  request.set_length(length);
  const auto stream = documents_->Download(&context, request);
  uint64_t got = 0;
  for (vault::v1::DownloadResponse message; stream->Read(&message);) {
    got += message.data().size();
    if (!each(message.data().size())) {
      context.TryCancel();
      break;
    }
  }
  const grpc::Status status = stream->Finish();
  if (!status.ok()) {
    return rpc::FromGrpc(status);
  }
  return length == 0 || got == length ? absl::OkStatus() : absl::DataLossError("not all came");
}

absl::Status VaultClient::ReadRange(const std::string& handle, const std::string& document_id,
                                    uint64_t offset, uint32_t length) {
  vault::v1::ReadRangeRequest request;
  *request.mutable_person() = Person(handle);
  request.set_document_id(document_id);
  request.set_offset(offset);
  request.set_length(length);
  ASSIGN_OR_RETURN(const auto response,
                   Call(*documents_, &vault::v1::DocumentService::Stub::ReadRange, request));
  return response.data().size() == length ? absl::OkStatus() : absl::DataLossError("not all came");
}

absl::StatusOr<std::string> VaultClient::Share(const std::string& handle, const std::string& document_id,
                                               const std::string& recipient, const std::string& consent_id) {
  vault::v1::ShareRequest request;
  request.set_request_id(FreshId());
  *request.mutable_person() = Person(handle);
  request.set_document_id(document_id);
  request.mutable_recipient()->set_institution(recipient);
  request.set_purpose(kPurpose);
  *request.mutable_until() = ToProto(absl::Now() + kShareLasts);
  request.set_consent_id(consent_id);
  ASSIGN_OR_RETURN(const auto shared, Call(*shares_, &vault::v1::ShareService::Stub::Share, request));
  return shared.share().share_id();
}

absl::StatusOr<std::string> VaultClient::HandleOfShare(const std::string& share_id) {
  vault::v1::ShareServiceListRequest request;
  request.set_page_size(1000);
  ASSIGN_OR_RETURN(const auto listed, Call(*shares_, &vault::v1::ShareService::Stub::List, request));
  for (const vault::v1::Share& share : listed.shares()) {
    if (share.share_id() == share_id) {
      return share.person().handle();
    }
  }
  return absl::NotFoundError("no such share yet");
}

}  // namespace relais::bench
