#include "services/vault/handlers/attempts.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/id128.h"
#include "google/protobuf/descriptor.h"
#include "relais/vault/v1/document_service.pb.h"

namespace relais::vault {
namespace {

using Entry = v1::JournalEntry;

// By the request's name in relais.vault.v1; of the stream of an upload, by that of what opens it.
const std::map<std::string_view, Entry::Act>& Acts() {
  static const auto* acts = new std::map<std::string_view, Entry::Act>{
      {"BeginUploadRequest", Entry::ACT_UPLOAD},
      {"UploadOpen", Entry::ACT_UPLOAD},
      {"UploadPieceRequest", Entry::ACT_UPLOAD},
      {"QueryUploadRequest", Entry::ACT_UPLOAD},
      {"AbandonUploadRequest", Entry::ACT_UPLOAD},
      {"CompleteUploadRequest", Entry::ACT_UPLOAD},
      {"DownloadRequest", Entry::ACT_READ},
      {"ReadRangeRequest", Entry::ACT_READ},
      {"GetMetadataRequest", Entry::ACT_LOOKED},
      {"UpdateMetadataRequest", Entry::ACT_CHANGED},
      {"ListRequest", Entry::ACT_LOOKED},
      {"CountRequest", Entry::ACT_LOOKED},
      {"VerifyRequest", Entry::ACT_VERIFIED},
      {"DestroyRequest", Entry::ACT_DESTROYED},
      {"GetReceiptRequest", Entry::ACT_LOOKED},
      {"ReadJournalRequest", Entry::ACT_LOOKED},
      {"ShareRequest", Entry::ACT_SHARE},
      {"RevokeRequest", Entry::ACT_SHARE},
      {"ShareServiceListRequest", Entry::ACT_LOOKED},
      {"RequestDocumentRequest", Entry::ACT_REQUEST},
      {"DecideRequestRequest", Entry::ACT_REQUEST},
      {"ListRequestsRequest", Entry::ACT_LOOKED},
      {"LinkHostRequest", Entry::ACT_HOST},
      {"UnlinkHostRequest", Entry::ACT_HOST},
      {"ListHostsRequest", Entry::ACT_LOOKED},
      {"ExportRequest", Entry::ACT_EXPORTED},
  };
  return *acts;
}

// A field of that name and kind; null: the message has none.
const google::protobuf::FieldDescriptor* FieldOf(const google::protobuf::Message& message, const char* name,
                                                 google::protobuf::FieldDescriptor::CppType type) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  return field != nullptr && !field->is_repeated() && field->cpp_type() == type ? field : nullptr;
}

}  // namespace

std::optional<AttemptOn> AttemptOf(const google::protobuf::Message& request) {
  using Field = google::protobuf::FieldDescriptor;
  if (const auto* stream = google::protobuf::DynamicCastToGenerated<v1::UploadRequest>(&request);
      stream != nullptr) {
    return AttemptOf(stream->open());
  }
  const auto act = Acts().find(request.GetDescriptor()->name());
  const Field* person = FieldOf(request, "person", Field::CPPTYPE_MESSAGE);
  if (act == Acts().end() || person == nullptr || !request.GetReflection()->HasField(request, person)) {
    return std::nullopt;
  }
  AttemptOn on;
  on.attempt.act = act->second;
  on.person.CopyFrom(request.GetReflection()->GetMessage(request, person));
  if (const Field* document = FieldOf(request, "document_id", Field::CPPTYPE_STRING); document != nullptr) {
    const auto id = Id128::FromHex(request.GetReflection()->GetString(request, document));
    on.attempt.document_id = id.ok() ? id->ToHex() : std::string();
  }
  return on;
}

bool NoteRefusedCall(const Vault& vault, const rpc::Call& call, const google::protobuf::Message& request,
                     const absl::Status& why) {
  if (call.caller.is_service()) {
    return false;
  }
  std::optional<AttemptOn> on = AttemptOf(request);
  if (!on.has_value()) {
    return false;
  }
  const auto person = rpc::PersonOf(vault.context, call, on->person, "person");
  if (!person.ok()) {
    return false;
  }
  vault.access.RefusedBehind(call, *person, std::move(on->attempt), why);
  return true;
}

}  // namespace relais::vault
