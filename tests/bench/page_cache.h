// Files as after a reboot.
#pragma once

#include <string>

namespace relais::bench {

/// Nothing of the folder's files stays in the page cache. What its owner has not synced is written first, and
/// it may write and delete meanwhile. Folders in it are left alone.
void ForgetPages(const std::string& folder);

}  // namespace relais::bench
