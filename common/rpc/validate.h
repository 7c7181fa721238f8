// Field rules declared in the protos (relais.common.v1.rules), compiled once and checked on every request.
#pragma once

#include <map>
#include <memory>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace relais::rpc {

namespace internal {
struct MessagePlan;
}  // namespace internal

/// The rules of every message type that may come in. Prepare all types first, from one thread; then `Check`
/// is thread-safe and takes a microsecond or two for an ordinary request.
///
/// Without rules a text has at most 1,000 code points, a list at most 100 elements. Every text must be UTF-8
/// and, unless it is opaque, hold no NIR (D-6.5). An enum must have a value this program knows; an instant
/// must be in the years 1 to 9999. A field that is absent or, without presence, empty is only looked at by
/// `required`; a number without presence is always looked at by `min` and `max`.
class Validator {
 public:
  Validator();
  ~Validator();

  /// Compiles the rules of `type` and of what it holds. INVALID_ARGUMENT naming the field whose rules cannot
  /// be kept: a pattern beyond `Pattern`, a rule that does not fit the field's type, a map.
  absl::Status Prepare(const google::protobuf::Descriptor* type);

  struct Result {
    /// OK; or INVALID_ARGUMENT with every violation by field path (`lines[0].purposes`), quoting no value,
    /// reason NIR_DETECTED if one of them is that, else INVALID_FIELDS.
    absl::Status status;
    /// There are fields that this program does not know: to be discarded before anything is kept.
    bool has_unknown_fields = false;
  };
  /// The type must have been prepared.
  [[nodiscard]] Result Check(const google::protobuf::Message& message) const;

 private:
  absl::Status Compile(const google::protobuf::Descriptor* type, internal::MessagePlan*& plan);

  std::map<const google::protobuf::Descriptor*, std::unique_ptr<internal::MessagePlan>> plans_;
};

}  // namespace relais::rpc
