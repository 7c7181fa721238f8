#include "common/storage/store.h"

namespace relais::storage {

std::string Partition::Encode() const {
  std::string out;
  out.reserve(kEncodedSize);
  out.push_back(static_cast<char>(kind));
  out.append(id.bytes());
  return out;
}

}  // namespace relais::storage
