#include "services/cli/health.h"

#include "common/base/status.h"
#include "common/rpc/status_mapping.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"

namespace relais::cli {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr char kMethod[] = "/grpc.health.v1.Health/Check";
constexpr uint32_t kServiceTag = (1U << 3U) | 2U;  // field 1, length-delimited
constexpr uint32_t kStatusTag = 1U << 3U;          // field 1, varint

}  // namespace

std::string EncodeHealthRequest(std::string_view service) {
  std::string out;
  if (service.empty()) {
    return out;
  }
  google::protobuf::io::StringOutputStream stream(&out);
  CodedOutputStream coded(&stream);
  coded.WriteTag(kServiceTag);
  coded.WriteVarint32(static_cast<uint32_t>(service.size()));
  coded.WriteRaw(service.data(), static_cast<int>(service.size()));
  coded.Trim();
  return out;
}

absl::StatusOr<Health> DecodeHealthResponse(std::string_view bytes) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  uint64_t status = 0;
  while (const uint32_t tag = in.ReadTag()) {
    const bool read = tag == kStatusTag ? in.ReadVarint64(&status) : WireFormatLite::SkipField(&in, tag);
    if (!read) {
      return absl::InvalidArgumentError("malformed health response");
    }
  }
  if (in.CurrentPosition() != static_cast<int>(bytes.size())) {
    return absl::InvalidArgumentError("malformed health response");
  }
  return status <= static_cast<uint64_t>(Health::kServiceUnknown) ? static_cast<Health>(status)
                                                                  : Health::kUnknown;
}

std::string_view HealthName(Health health) {
  switch (health) {
    case Health::kServing:
      return "SERVING";
    case Health::kNotServing:
      return "NOT_SERVING";
    case Health::kServiceUnknown:
      return "SERVICE_UNKNOWN";
    case Health::kUnknown:
      break;
  }
  return "UNKNOWN";
}

absl::StatusOr<Health> CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                   grpc::ClientContext& context) {
  const grpc::Slice request(EncodeHealthRequest(""));
  const grpc::ByteBuffer bytes(&request, 1);
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, kMethod, bytes, &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  RETURN_IF_ERROR(rpc::FromGrpc(status));
  grpc::Slice whole;
  if (!response.DumpToSingleSlice(&whole).ok()) {
    return absl::InvalidArgumentError("malformed health response");
  }
  return DecodeHealthResponse({reinterpret_cast<const char*>(whole.begin()), whole.size()});
}

}  // namespace relais::cli
