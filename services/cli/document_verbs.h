// What the verbs of `relais document` share.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "relais/vault/v1/document.pb.h"
#include "relais/vault/v1/host_service.pb.h"
#include "services/cli/command.h"
#include "services/cli/interrupt.h"
#include "services/cli/settings.h"

namespace relais::cli {

/// A stream of the vault may run for this long.
inline constexpr absl::Duration kLongestTransfer = absl::Hours(24);
/// Bytes in a message of a stream.
inline constexpr size_t kTransferPiece = size_t{262144};

/// The stream under way, which SIGINT or SIGTERM cancels, and every later one.
class CancelledBySignal {
 public:
  CancelledBySignal() : interrupt_([this] { Cancel(); }) {}

  /// `call` outlives the next Use; nullptr: none is under way.
  void Use(grpc::ClientContext* call) {
    std::lock_guard lock(mu_);
    call_ = call;
    if (raised_ && call_ != nullptr) {
      call_->TryCancel();
    }
  }
  [[nodiscard]] bool raised() const { return interrupt_.raised(); }

 private:
  void Cancel() {
    std::lock_guard lock(mu_);
    raised_ = true;
    if (call_ != nullptr) {
      call_->TryCancel();
    }
  }

  std::mutex mu_;
  grpc::ClientContext* call_ = nullptr;
  bool raised_ = false;
  Interrupt interrupt_;  // last: its thread sees the others whole
};

/// What a depositor says of a paper, as options.
struct DescriptionOptions {
  std::string type;
  std::string title;
  std::string expires;
};
void AddDescription(CLI::App& verb, DescriptionOptions& options);
/// INVALID_ARGUMENT naming the option.
[[nodiscard]] absl::StatusOr<vault::v1::Description> ParseDescription(const DescriptionOptions& options);

/// A line for whoever enters a last day of validity that is before `today`, in Paris; "" for any other. The
/// vault takes it: old papers are papers.
[[nodiscard]] std::string ExpiredNote(const vault::v1::Description& description, absl::CivilDay today);
/// Prints it on standard error.
void SayIfExpired(const ClientSettings& settings, const vault::v1::Description& description);

/// OK when a file of this size and SHA-256 is the one that the upload was begun of, as far as it says, and
/// what is left of it may be sent. INVALID_ARGUMENT for another file, FAILED_PRECONDITION when it ended.
[[nodiscard]] absl::Status CheckGoesOn(const vault::v1::Upload& upload, uint64_t size,
                                       const std::string& sha256);

/// True when asking again may help: the vault is away, or the permit or its sight of her agreements ended, or
/// it has no place for another stream, or gave this one's to others.
[[nodiscard]] bool MayHelpAgain(const absl::Status& status);

/// "1,234 bytes"
[[nodiscard]] std::string BytesText(uint64_t bytes);

/// A line on what is there and cannot be shown; "" of none.
[[nodiscard]] std::string UnreadableText(uint32_t rows);
/// A table of her hosts, then how many are not shown.
[[nodiscard]] std::string HostsText(const vault::v1::ListHostsResponse& response);

/// A transfer that did not end: says on the terminal how to go on, for a program how far it came.
/// kExitIncomplete.
int PrintIncomplete(const Context& context, const std::string& name, const std::string& value, uint64_t done,
                    uint64_t size, const std::string& how_to_go_on);

/// How an institution comes to a vault, whenever the answer is NO_SUCH_OR_NOT_YOURS: of everything that is
/// not there or not its own alike, so that it tells nothing. Everything else passes unchanged.
[[nodiscard]] absl::StatusOr<int> WithWayIn(absl::StatusOr<int> result);

/// OnRun for a verb that asks a vault.
template <typename Options>
void OnRunDocument(CLI::App& verb, Context& context, std::shared_ptr<Options> options,
                   absl::StatusOr<int> (*run)(Context&, const Options&)) {
  verb.callback([&context, options = std::move(options), run] {
    context.command = [&context, options, run] { return WithWayIn(run(context, *options)); };
  });
}

void AddDocumentPut(CLI::App& noun, Context& context);
void AddDocumentGet(CLI::App& noun, Context& context);
/// export, check-export
void AddDocumentExport(CLI::App& noun, Context& context);
/// share, unshare, shares, hosts, link-host, unlink-host
void AddDocumentShares(CLI::App& noun, Context& context);
/// request, requests, decide
void AddDocumentRequests(CLI::App& noun, Context& context);

}  // namespace relais::cli
