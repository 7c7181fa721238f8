#include "tests/bench/vault/small_papers.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/status_mapping.h"
#include "tests/bench/vault/chains.h"

namespace relais::bench {
namespace {

absl::Status Explained(const absl::Status& why, const char* call, uint64_t paper) {
  absl::Status explained(why.code(),
                         absl::StrCat(call, " of paper ", paper, ": ", std::string(why.message())));
  why.ForEachPayload(
      [&](absl::string_view name, const absl::Cord& value) { explained.SetPayload(name, value); });
  return explained;
}

// Whether the call was answered, and rightly; else the chain has failed.
bool Judge(Chains& chains, Chain& chain, const char* call, const grpc::Status& status, bool due) {
  if (status.ok() && due) {
    return true;
  }
  const absl::Status why =
      status.ok() ? absl::InternalError("not answered as it is due") : rpc::FromGrpc(status);
  chains.Fail(chain, Explained(why, call, chain.number));
  return false;
}

template <typename Slot>
std::vector<Chain*> Pointers(std::vector<Slot>& slots) {
  std::vector<Chain*> pointers;
  for (Slot& slot : slots) {
    pointers.push_back(&slot);
  }
  return pointers;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SmallPapers>> SmallPapers::Open(const VaultSuite& suite,
                                                               const std::string& institution,
                                                               const std::string& system, Work work) {
  std::unique_ptr<SmallPapers> made(new SmallPapers(std::move(work)));
  made->run_ = SystemRandom().Id().ToHex().substr(0, 12);
  made->documents_.resize(made->work_.papers);
  for (int i = 0; i < made->work_.connections; ++i) {
    ASSIGN_OR_RETURN(const auto channel, Connect(suite, suite.vault, "vault", institution, system));
    made->stubs_.push_back(vault::v1::DocumentService::NewStub(channel));
  }
  return made;
}

// ---- deposits

class SmallPapers::Depositing {
 public:
  explicit Depositing(SmallPapers& papers)
      : papers_(papers), slots_(papers.work_.in_flight), chains_(Pointers(slots_)) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
      slot.stub = &papers_.StubOf(static_cast<int>(i));
      slot.begin.mutable_description()->set_type(vault::v1::DOCUMENT_TYPE_OTHER);
      slot.begin.mutable_description()->set_title("bench");
      slot.begin.set_size(papers_.work_.text.size());
      slot.begin.set_allow_duplicate(true);
      slot.piece.set_data(papers_.work_.text);
      slot.complete.set_sha256(papers_.work_.sha256);
    }
  }

  absl::StatusOr<Figure> Run() {
    return chains_.Run("deposited", papers_.work_.papers, [this](int slot) { Begin(slots_[slot]); });
  }

 private:
  struct Slot : Chain {
    Stub* stub = nullptr;
    vault::v1::BeginUploadRequest begin;
    vault::v1::BeginUploadResponse begun;
    vault::v1::UploadPieceRequest piece;
    vault::v1::UploadPieceResponse taken;
    vault::v1::CompleteUploadRequest complete;
    vault::v1::CompleteUploadResponse completed;
  };

  void Begin(Slot& slot) {
    grpc::ClientContext* const context = chains_.Next(slot);
    if (context == nullptr) {
      return;
    }
    PrepareCall(*context);
    slot.begin.set_request_id(absl::StrCat("bench-begin-", papers_.run_, "-", slot.number));
    slot.begin.mutable_person()->set_handle(papers_.HandleOf(slot.number));
    slot.begun.Clear();
    slot.stub->async()->BeginUpload(context, &slot.begin, &slot.begun,
                                    [this, &slot](const grpc::Status& status) { Begun(slot, status); });
  }

  void Begun(Slot& slot, const grpc::Status& status) {
    vault::v1::Upload& upload = *slot.begun.mutable_upload();
    const bool due = !upload.upload_id().empty() && !upload.document_id().empty() &&
                     upload.state() == vault::v1::Upload::STATE_OPEN &&
                     upload.size() == papers_.work_.text.size() && upload.committed() == 0;
    if (!Judge(chains_, slot, "BeginUpload", status, due)) {
      return;
    }
    papers_.documents_[slot.number] = std::move(*upload.mutable_document_id());
    grpc::ClientContext* const context = chains_.Next(slot);
    if (context == nullptr) {
      return;
    }
    PrepareCall(*context);
    slot.piece.mutable_person()->set_handle(slot.begin.person().handle());
    slot.piece.set_upload_id(upload.upload_id());
    slot.taken.Clear();
    slot.stub->async()->UploadPiece(context, &slot.piece, &slot.taken,
                                    [this, &slot](const grpc::Status& answer) { Taken(slot, answer); });
  }

  void Taken(Slot& slot, const grpc::Status& status) {
    const bool due = slot.taken.upload().committed() == papers_.work_.text.size();
    if (!Judge(chains_, slot, "UploadPiece", status, due)) {
      return;
    }
    grpc::ClientContext* const context = chains_.Next(slot);
    if (context == nullptr) {
      return;
    }
    PrepareCall(*context);
    slot.complete.set_request_id(absl::StrCat("bench-complete-", papers_.run_, "-", slot.number));
    slot.complete.mutable_person()->set_handle(slot.begin.person().handle());
    slot.complete.set_upload_id(slot.piece.upload_id());
    slot.completed.Clear();
    slot.stub->async()->CompleteUpload(
        context, &slot.complete, &slot.completed,
        [this, &slot](const grpc::Status& answer) { Completed(slot, answer); });
  }

  void Completed(Slot& slot, const grpc::Status& status) {
    const vault::v1::Document& document = slot.completed.document();
    const bool due = document.document_id() == papers_.documents_[slot.number] &&
                     document.state() == vault::v1::Document::STATE_ACTIVE && slot.completed.version() == 1;
    if (Judge(chains_, slot, "CompleteUpload", status, due)) {
      chains_.End(slot);
    }
  }

  SmallPapers& papers_;
  std::vector<Slot> slots_;
  Chains chains_;
};

absl::StatusOr<Figure> SmallPapers::Deposit() { return Depositing(*this).Run(); }

// ---- readings

class SmallPapers::Reading {
 public:
  explicit Reading(SmallPapers& papers)
      : papers_(papers), slots_(papers.work_.in_flight), chains_(Pointers(slots_)) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].stub = &papers_.StubOf(static_cast<int>(i));
      slots_[i].request.set_length(static_cast<uint32_t>(papers_.work_.text.size()));
    }
  }

  absl::StatusOr<Figure> Run() {
    return chains_.Run("read", papers_.work_.papers, [this](int slot) { Begin(slots_[slot]); });
  }

 private:
  struct Slot : Chain {
    Stub* stub = nullptr;
    vault::v1::ReadRangeRequest request;
    vault::v1::ReadRangeResponse response;  // its bytes' room is used again
  };

  void Begin(Slot& slot) {
    grpc::ClientContext* const context = chains_.Next(slot);
    if (context == nullptr) {
      return;
    }
    PrepareCall(*context);
    slot.request.mutable_person()->set_handle(papers_.HandleOf(slot.number));
    slot.request.set_document_id(papers_.documents_[slot.number]);
    slot.response.Clear();
    slot.stub->async()->ReadRange(context, &slot.request, &slot.response,
                                  [this, &slot](const grpc::Status& status) { Came(slot, status); });
  }

  void Came(Slot& slot, const grpc::Status& status) {
    const bool due = slot.response.data().size() == papers_.work_.text.size();
    if (Judge(chains_, slot, "ReadRange", status, due)) {
      chains_.End(slot);
    }
  }

  SmallPapers& papers_;
  std::vector<Slot> slots_;
  Chains chains_;
};

absl::StatusOr<Figure> SmallPapers::Read() { return Reading(*this).Run(); }

}  // namespace relais::bench
