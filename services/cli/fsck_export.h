// Checks a single-file export to the last byte, and says what is wrong where.
#pragma once

#include <istream>
#include <span>

#include "common/audit/findings.h"
#include "common/merkle/note.h"

namespace relais::cli {

/// Unlike VerifyExport it goes on after the first fault. The file holds no hashes: when its leaves do not
/// lead to the signed root, it cannot tell which leaf was altered unless that leaf is malformed.
void FsckExport(std::istream& in, std::span<const merkle::NoteVerifier> verifiers, audit::Findings& findings);

}  // namespace relais::cli
