// What a script can say before it is known: handles, ids and tokens that earlier calls answered, and texts
// too long to be written out.
//
//   $person/1    the second person met: the caller's handle of her, or for a service her raw id
//   $foreign/0   another institution's handle of the first
//   $consent_id/0, $next_page_token/0, …   the last value answered in a field of that name, the last but one
//   … $x/64 $e/64 $u/64   so many characters of one, two and four bytes $bytes/32    so many bytes $nir/0 a
//   social security number (D-6.5's test value)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/id128.h"
#include "common/identity/handle.h"
#include "common/rpc/call.h"
#include "google/protobuf/message.h"

namespace relais::fuzz {

class Names {
 public:
  /// `handles` outlives it.
  explicit Names(const identity::HandleCodec& handles) : handles_(handles) {}

  /// Replaces every `$…/n` of the request.
  void Resolve(const rpc::Caller& caller, google::protobuf::Message& request) const;
  /// Remembers what an answer says.
  void Learn(const rpc::Caller& caller, const google::protobuf::Message& answer);
  /// The persons met, in the order met.
  [[nodiscard]] const std::vector<Id128>& persons() const { return persons_; }

 private:
  [[nodiscard]] std::string Resolved(const rpc::Caller& caller, const std::string& text, bool bytes) const;
  [[nodiscard]] Id128 Person(size_t number) const;

  const identity::HandleCodec& handles_;
  std::vector<Id128> persons_;
  std::map<std::string, std::vector<std::string>, std::less<>> answered_;  // by field name, oldest first
};

}  // namespace relais::fuzz
