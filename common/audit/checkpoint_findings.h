// Says which line of a checkpoint is wrong. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/audit/findings.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit {

/// Opens a checkpoint as merkle::OpenCheckpoint does, but tells each wrong line to `findings` as
/// "<name> line <n>". The checkpoint when it is signed by one of the keys; else what its text says, when it
/// says anything, `*trusted` false.
[[nodiscard]] std::optional<merkle::Checkpoint> ReadCheckpoint(
    std::string_view note, std::string_view name, std::span<const merkle::NoteVerifier> verifiers,
    bool* trusted, Findings& findings);

}  // namespace relais::audit
