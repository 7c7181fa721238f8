// What is kept for a moment and must not stay: files without a name, for the verbs that read or write pipes.
#pragma once

#include <string>
#include <string_view>

namespace relais::cli {

/// TMPDIR, else /tmp.
[[nodiscard]] std::string TemporaryFolder();
/// An empty file in TemporaryFolder, open for reading and writing, mode 0600, without a name: nothing is left
/// of it once it is closed, however the process ends. -1 when it cannot be made. The caller closes it.
[[nodiscard]] int NamelessFile();

/// False when not all of it could be written.
[[nodiscard]] bool WriteAll(int fd, std::string_view data);

}  // namespace relais::cli
