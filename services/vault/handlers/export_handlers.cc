#include "services/vault/handlers/export_handlers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/receipt/act.h"
#include "common/rpc/checkpoint_size.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/export_names.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/export_journal.h"
#include "services/vault/export_sink.h"
#include "services/vault/format/pieces.h"
#include "services/vault/format/sealed_text.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/reading_right.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr size_t kPage = 200;
constexpr size_t kKeyBytes = 32;
// A text up to this size is held while it is checked, a longer one is read twice.
constexpr uint64_t kHeldText = kPieceSize;
// What one holds besides the two that any stream may: what came in, and what is sealed and not a message yet.
constexpr size_t kPiecesOfExport = 4;

struct Paper {
  Id128 person;
  Id128 id;
  Stored<v1::StoredDocument> stored;

  [[nodiscard]] bool kept() const { return stored.value.state() != v1::Document::STATE_DESTROYED; }
};

std::string ExpiresText(const v1::StoredDocument& document) {
  const common::v1::Date& day = document.expires();
  return document.has_expires() ? absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day()) : "";
}

bool IsDamage(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

// Why an export ended that nothing of the host's authority cut, in the words of VaultExportCut.cause.
std::string CauseOf(const absl::Status& why) {
  if (absl::IsCancelled(why)) {
    return "CONNECTION_LOST";
  }
  switch (rpc::ReasonOf(why)) {
    case common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS:
      return "DESTROYED";
    case common::v1::ERROR_REASON_DOCUMENT_DAMAGED:
      return "DAMAGED";
    default:
      return "FAILED";
  }
}

// In consent's terms what the host's authority is, for whatever ends it.
ReadingBasis BasisOf(const rpc::Call& call, const Id128& person, const v1::StoredHost& host) {
  ReadingBasis basis;
  basis.person = person;
  const directory::Institution* institution = call.directory->FindInstitution(call.caller.institution);
  basis.covered = CoveredBy(host, call.caller.institution, institution == nullptr ? "" : institution->kind);
  basis.since = FromProto(host.since());
  basis.until = FromProto(host.until());
  return basis;
}

}  // namespace

// One export, from before it is allowed until its end.
struct ExportHandlers::Run {
  rpc::Call call;
  rpc::Actor actor;
  v1::ExportRequest request;
  Id128 id;
  std::optional<Secret> key;
  absl::Time made;
  std::vector<HostedName> names;
  std::vector<std::shared_ptr<OpenReading>> open;  // one a name
  std::vector<Paper> papers;
  uint32_t kept = 0;
  uint64_t bytes = 0;
  uint64_t planned = 0;      // deposits below are in the plan, unless their rows are not what they were
  uint64_t log_end = 0;      // the journal is of what stands below
  storage::LeafRange ended;  // VAULT_EXPORTED of the end, of the name that was given
  JournalFound journal;
  std::optional<ExportSink> sink;
  std::vector<ExportedText> texts;
  std::vector<ExportedDestruction> destroyed;
  std::set<std::string> damaged;

  [[nodiscard]] std::vector<Id128> Names() const {
    std::vector<Id128> out;
    for (const HostedName& name : names) {
      out.push_back(name.person);
    }
    return out;
  }
  [[nodiscard]] std::optional<std::string> WhyCut() const {
    for (const auto& each : open) {
      if (auto cause = each->WhyCut(); cause.has_value()) {
        return cause;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] absl::Status Look() const {
    const auto cause = WhyCut();
    return cause.has_value() ? StatusOfCut(*cause) : absl::OkStatus();
  }
  // Leaves about her that do not read, as far as they were met.
  [[nodiscard]] uint64_t Unreadable() const { return journal.unreadable + journal.unreadable_since; }
  // Versions of a paper that are exported: [first, end).
  [[nodiscard]] int FirstVersion(const Paper& paper) const {
    return request.current_only() ? std::max(0, paper.stored.value.versions_size() - 1) : 0;
  }
  // What its leaf says before the first byte.
  [[nodiscard]] v1::VaultExported Planned() const {
    v1::VaultExported said;
    said.set_export_id(id.ToHex());
    said.set_documents(kept);
    said.set_sealed(request.seal());
    said.set_current_only(request.current_only());
    return said;
  }
  // What it says once all of it was handed over.
  [[nodiscard]] v1::VaultExported Ended() const {
    std::set<std::string> documents;
    for (const ExportedText& text : texts) {
      documents.insert(text.document_id);
    }
    v1::VaultExported said = Planned();
    said.set_documents(static_cast<uint32_t>(documents.size()));
    said.set_sha256(sink->sha256());
    said.set_archive_sha256(sink->archive_sha256());
    said.set_bytes(sink->sent());
    said.set_texts(static_cast<uint32_t>(texts.size()));
    said.set_certificates(static_cast<uint32_t>(destroyed.size()));
    said.set_damaged(static_cast<uint32_t>(damaged.size()));
    said.set_unreadable(Unreadable());
    return said;
  }
  // What the log says was deposited, against what is in the archive. Not what came while the export began.
  void AddLacking() {
    std::map<PaperVersion, uint64_t> deposited = journal.deposits;
    std::erase_if(deposited, [this](const auto& each) { return each.second >= planned; });
    std::set<PaperVersion> exported;
    for (const ExportedText& text : texts) {
      exported.insert({text.document_id, text.version.version()});
    }
    damaged.merge(LackingPapers(deposited, exported, journal.destructions, request.current_only()));
  }
};

absl::Status ExportHandlers::Plan(Run& run) const {
  run.planned = vault_.context.log.state().size;
  run.papers.clear();
  run.damaged.clear();
  run.kept = 0;
  run.bytes = 0;
  for (const HostedName& name : run.names) {
    std::optional<Id128> from = Id128();
    while (from.has_value()) {
      ASSIGN_OR_RETURN(auto page, vault_.store.ReadableDocuments(name.person, *from, kPage));
      for (const Id128& id : page.unreadable) {
        run.damaged.insert(id.ToHex());
      }
      for (Row<v1::StoredDocument>& row : page.rows) {
        run.papers.push_back({name.person, row.id, std::move(row.stored)});
        const Paper& paper = run.papers.back();
        if (!paper.kept()) {
          continue;
        }
        ++run.kept;
        for (int i = run.FirstVersion(paper); i < paper.stored.value.versions_size(); ++i) {
          run.bytes += paper.stored.value.versions(i).version().size();
        }
      }
      from = page.next;
    }
  }
  return absl::OkStatus();
}

// The leaf, while that institution is her host as it was read.
Task<absl::Status> ExportHandlers::Record(std::shared_ptr<Run> run, size_t name) {
  const HostedName& hosted = run->names[name];
  const Acting acting{run->call, run->actor, "", hosted.person, kAsHost};
  storage::CommitRequest commit;
  vault_.store.GuardHost(hosted.person, run->call.caller.institution, hosted.host.version, commit);
  CO_ASSIGN_OR_RETURN(auto draft, vault_.context.log.Draft(ExportedEvent(acting, run->Planned())));
  commit.leaves.push_back(std::move(draft));
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  run->log_end = std::max(run->log_end, done->leaves.first + done->leaves.count);
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::shared_ptr<ExportHandlers::Run>>> ExportHandlers::Begin(rpc::Call call,
                                                                                 v1::ExportRequest request,
                                                                                 Lookahead::Held& held) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  auto run = std::make_shared<Run>();
  run->call = call;
  run->actor = actor;
  run->request = std::move(request);
  run->id = vault_.context.random.Id();
  if (run->request.seal()) {
    run->key.emplace(vault_.context.random.Bytes(kKeyBytes));
  }
  for (int i = 0; i < kTries; ++i) {
    Attempt attempt{v1::JournalEntry::ACT_EXPORTED};
    auto names = co_await vault_.access.RequireHostedNames(call, person, std::move(attempt));
    CO_RETURN_IF_ERROR(names.status());
    // What ends it from here on is not missed; that it has not ended before, the guards of the leaves say.
    run->names = *std::move(names);
    run->open.clear();
    for (const HostedName& name : run->names) {
      run->open.push_back(vault_.streams.Open(BasisOf(call, name.person, name.host.value)));
    }
    CO_ASSIGN_OR_RETURN(const VaultPhase phase, PhaseNow(vault_));
    if (phase == VaultPhase::kClosed) {
      Attempt closed{v1::JournalEntry::ACT_EXPORTED};
      absl::Status refused = co_await vault_.access.Refused(std::move(call), person, std::move(closed),
                                                            StatusOf(common::v1::ERROR_REASON_VAULT_CLOSED));
      co_return refused;
    }
    // Whoever may not have it takes no room.
    if (!held.Hold(kPiecesOfExport)) {
      co_return TooManyAtOnce();  // no leaf: nobody did wrong
    }
    CO_RETURN_IF_ERROR(Plan(*run));
    run->made = vault_.context.log.Now();
    absl::Status recorded;
    for (size_t name = 0; name < run->names.size() && recorded.ok(); ++name) {
      absl::Status each = co_await Record(run, name);
      recorded = std::move(each);
    }
    if (recorded.ok()) {
      co_return run;
    }
    if (!absl::IsAborted(recorded)) {
      co_return audit::IsErased(recorded) ? rpc::NoSuchOrNotYours() : recorded;
    }
  }
  co_return TooManyAtOnce();
}

Task<absl::Status> ExportHandlers::Export(rpc::Call call, v1::ExportRequest request,
                                          std::shared_ptr<rpc::Writer<v1::ExportResponse>> out) {
  co_await ResumeOn(vault_.context.executor);
  Lookahead::Held held = vault_.export_room.Of(call.caller.institution);
  CO_ASSIGN_OR_RETURN(std::shared_ptr<Run> run, co_await Begin(std::move(call), std::move(request), held));
  // One that waits for its client is ended where it waits.
  for (const auto& each : run->open) {
    each->WhenCut([out](absl::Status why) { out->End(std::move(why)); });
  }
  absl::Status sent = co_await Send(run, std::move(out));
  if (run->sink.has_value()) {
    const absl::Status settled = co_await run->sink->Settled();
    if (sent.ok()) {
      sent = settled;
    }
  }
  for (const auto& each : run->open) {
    each->WhenCut(nullptr);
  }
  if (!sent.ok()) {
    absl::Status told = co_await Cut(std::move(run), std::move(sent));
    co_return told;
  }
  co_return sent;
}

// The stream has stopped already: its leaves, and what the client is told.
Task<absl::Status> ExportHandlers::Cut(std::shared_ptr<Run> run, absl::Status why) {
  const std::optional<std::string> ended = run->WhyCut();
  const std::string cause = ended.has_value() ? *ended : CauseOf(why);
  if (ended.has_value()) {
    why = StatusOfCut(*ended);
  }
  const uint64_t handed = run->sink.has_value() ? run->sink->handed() : 0;
  for (const HostedName& name : run->names) {
    const Acting acting{run->call, run->actor, "", name.person, kAsHost};
    std::vector<audit::Event> events;
    events.push_back(ExportCutEvent(acting, run->id.ToHex(), cause, handed));
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(name.person);
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    // Of who is being erased nothing is written any more.
    if (!done.ok() && !audit::IsErased(done.status())) {
      log::Error("the leaf of an export that was cut could not be written",
                 {log::Field::Code(done.status())});
    }
  }
  co_return why;
}

Task<absl::Status> ExportHandlers::SendStart(std::shared_ptr<Run> run,
                                             std::shared_ptr<rpc::Writer<v1::ExportResponse>> out) {
  std::optional<StreamSealer> sealer;
  if (run->key.has_value()) {
    CO_ASSIGN_OR_RETURN(sealer,
                        StreamSealer::Begin(*run->key, ExportContext(run->id), vault_.context.random));
  }
  run->sink.emplace(std::move(out), std::move(sealer), run->made, vault_.context.executor);
  v1::ExportStart start;
  start.set_export_id(run->id.ToHex());
  if (run->key.has_value()) {
    start.set_key(std::string(run->key->ExposeSecret()));
  }
  start.set_documents(run->kept);
  start.set_bytes(run->bytes);
  absl::Status sent = co_await run->sink->Start(std::move(start));
  CO_RETURN_IF_ERROR(sent);
  std::string path = "LISEZMOI.txt";
  std::string text = ExportReadme(run->made, vault_.context.log.origin(), run->request.current_only());
  sent = co_await run->sink->File(std::move(path), std::move(text));
  co_return sent;
}

Task<absl::Status> ExportHandlers::Send(std::shared_ptr<Run> run,
                                        std::shared_ptr<rpc::Writer<v1::ExportResponse>> out) {
  const std::vector<Id128> names = run->Names();
  CO_ASSIGN_OR_RETURN(run->journal, co_await FindJournal(vault_, names, run->log_end));
  absl::Status sent = co_await SendStart(run, std::move(out));
  CO_RETURN_IF_ERROR(sent);
  sent = co_await SendPapers(run);
  CO_RETURN_IF_ERROR(sent);
  sent = co_await AddDestroyedSince(vault_, names, run->log_end, run->journal);
  CO_RETURN_IF_ERROR(sent);
  run->AddLacking();
  sent = co_await SendReceipts(run);
  CO_RETURN_IF_ERROR(sent);
  sent = co_await SendCertificates(run);
  CO_RETURN_IF_ERROR(sent);
  CO_ASSIGN_OR_RETURN(std::string text, Metadata(*run));
  std::string path = "metadata.json";
  sent = co_await run->sink->File(std::move(path), std::move(text));
  CO_RETURN_IF_ERROR(sent);
  sent = co_await WriteJournal(vault_, run->journal, *run->sink);
  CO_RETURN_IF_ERROR(sent);
  sent = co_await SendManifest(run);
  CO_RETURN_IF_ERROR(sent);
  sent = co_await SendEnd(run);
  co_return sent;
}

Task<absl::Status> ExportHandlers::SendPapers(std::shared_ptr<Run> run) {
  for (size_t paper = 0; paper < run->papers.size(); ++paper) {
    if (!run->papers[paper].kept()) {
      continue;
    }
    const int versions = run->papers[paper].stored.value.versions_size();
    const int first = run->FirstVersion(run->papers[paper]);
    for (int i = first; i < versions && run->papers[paper].kept(); ++i) {
      const absl::Status sent = co_await SendText(run, paper, static_cast<size_t>(i));
      CO_RETURN_IF_ERROR(sent);
    }
  }
  co_return absl::OkStatus();
}

// What was planned, as it is now: a rotation wraps keys anew and destroys the old ones, and what she
// destroyed meanwhile is neither sent nor damaged. False: it is destroyed, as `metadata.json` then says.
absl::StatusOr<bool> ExportHandlers::StillThere(Run& run, size_t paper) const {
  Paper& of = run.papers[paper];
  auto now = vault_.store.Document(of.person, of.id);
  if (absl::IsDataLoss(now.status())) {
    return true;  // as it was read: its texts open or they do not
  }
  RETURN_IF_ERROR(now.status());
  if (!now->has_value()) {
    return true;  // likewise; of who is being erased the export is cut
  }
  if ((*now)->value.state() == v1::Document::STATE_DESTROYED) {
    of.stored = **std::move(now);
    return false;
  }
  for (v1::StoredVersion& version : *of.stored.value.mutable_versions()) {
    const v1::StoredVersion* fresh = VersionOf((*now)->value, version.version().version());
    if (fresh != nullptr) {
      version.set_wrapped_key(fresh->wrapped_key());
    }
  }
  return true;
}

// nullopt: it is destroyed. Damaged is what does not open twice, with its record read anew in between.
absl::StatusOr<std::optional<PaperText>> ExportHandlers::Open(Run& run, size_t paper, size_t version) const {
  absl::Status why;
  for (int tries = 0; tries < 2; ++tries) {
    ASSIGN_OR_RETURN(const bool there, StillThere(run, paper));
    if (!there) {
      return std::optional<PaperText>();
    }
    const Paper& of = run.papers[paper];
    const v1::StoredVersion& stored = of.stored.value.versions(static_cast<int>(version));
    auto text = vault_.papers.Open({of.person, of.id, stored.version().version()}, stored);
    if (text.ok()) {
      return std::optional<PaperText>(*std::move(text));
    }
    why = text.status();
    if (!IsDamage(why)) {
      break;
    }
  }
  return why;
}

Task<absl::Status> ExportHandlers::SendText(std::shared_ptr<Run> run, size_t paper, size_t version) {
  const auto opened = Open(*run, paper, version);
  if (!opened.ok() && !IsDamage(opened.status())) {
    co_return opened.status();
  }
  if (opened.ok() && !opened->has_value()) {
    co_return absl::OkStatus();
  }
  const PaperText* text = opened.ok() ? &**opened : nullptr;
  const Paper& of = run->papers[paper];
  const v1::DocumentVersion stored = of.stored.value.versions(static_cast<int>(version)).version();
  const std::string id = of.id.ToHex();
  const uint32_t number = stored.version();
  // Without its leaf nothing proves what it is: it was put in beside the log, unless the leaf is one that
  // does not read.
  const bool proved = run->journal.deposits.contains({id, number});
  bool intact = text != nullptr && text->size() == stored.size() && (proved || run->journal.unreadable > 0);
  std::string held;
  crypto::Sha256Hasher hasher;
  for (uint64_t piece = 0; intact && piece < text->pieces(); ++piece) {
    co_await ResumeOn(vault_.context.executor);
    CO_RETURN_IF_ERROR(run->Look());
    const auto bytes = text->Read(piece, {0, text->size()});
    if (!bytes.ok() && !IsDamage(bytes.status())) {
      co_return bytes.status();
    }
    intact = bytes.ok();
    if (intact) {
      hasher.Update(*bytes);
      if (text->size() <= kHeldText) {
        held.append(*bytes);
      }
    }
  }
  intact = intact && hasher.Finish() == stored.sha256();
  CO_ASSIGN_OR_RETURN(const bool there, StillThere(*run, paper));
  if (!there) {
    co_return absl::OkStatus();
  }
  if (!intact) {
    run->damaged.insert(id);
    co_return absl::OkStatus();
  }
  ExportedText exported;
  exported.document_id = id;
  exported.version = stored;
  exported.type = of.stored.value.type();
  exported.title = of.stored.value.title();
  exported.expires = ExpiresText(of.stored.value);
  const bool current = static_cast<int>(version) + 1 == of.stored.value.versions_size();
  exported.path = ExportedDocument(static_cast<uint32_t>(paper + 1), exported.title, exported.type,
                                   current ? 0 : number, stored.media_type());
  exported.receipt = proved ? ExportedReceipt(id, number) : "";
  std::string path = exported.path;
  run->texts.push_back(std::move(exported));
  PaperText whole = *text;
  const absl::Status sent =
      co_await SendBytes(std::move(run), paper, std::move(whole), std::move(path), std::move(held));
  co_return sent;
}

// `held`: all of it when it is short.
Task<absl::Status> ExportHandlers::SendBytes(std::shared_ptr<Run> run, size_t paper, PaperText text,
                                             std::string path, std::string held) {
  absl::Status sent = co_await run->sink->BeginFile(std::move(path), text.size());
  CO_RETURN_IF_ERROR(sent);
  if (text.size() <= kHeldText) {
    sent = co_await run->sink->Data(std::move(held));
    CO_RETURN_IF_ERROR(sent);
  } else {
    for (uint64_t piece = 0; piece < text.pieces(); ++piece) {
      co_await ResumeOn(vault_.context.executor);
      CO_RETURN_IF_ERROR(run->Look());
      auto bytes = text.Read(piece, {0, text.size()});
      if (!bytes.ok()) {
        // It opened a moment ago; its size is announced already.
        if (!IsDamage(bytes.status())) {
          co_return bytes.status();
        }
        CO_ASSIGN_OR_RETURN(const bool there, StillThere(*run, paper));
        co_return there ? Papers::Damaged() : StatusOfCut("DESTROYED");
      }
      std::string data = *std::move(bytes);
      sent = co_await run->sink->Data(std::move(data));
      CO_RETURN_IF_ERROR(sent);
    }
  }
  sent = co_await run->sink->EndFile();
  co_return sent;
}

// A file that is the proof of that leaf, as who did the act was given it.
Task<absl::Status> ExportHandlers::SendProved(std::shared_ptr<Run> run, uint64_t leaf, std::string path) {
  CO_RETURN_IF_ERROR(run->Look());
  const absl::StatusOr<common::v1::Proof> proof = co_await vault_.context.log.Prove(leaf, true);
  CO_RETURN_IF_ERROR(proof.status());
  CO_ASSIGN_OR_RETURN(std::string receipt, receipt::FormatReceipt(*proof));
  absl::Status sent = co_await run->sink->File(std::move(path), std::move(receipt));
  co_return sent;
}

Task<absl::Status> ExportHandlers::SendReceipts(std::shared_ptr<Run> run) {
  for (const ExportedText& text : run->texts) {
    if (text.receipt.empty()) {
      continue;
    }
    const uint64_t leaf = run->journal.deposits.at({text.document_id, text.version.version()});
    std::string path = text.receipt;
    const absl::Status sent = co_await SendProved(run, leaf, std::move(path));
    CO_RETURN_IF_ERROR(sent);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ExportHandlers::SendCertificates(std::shared_ptr<Run> run) {
  for (const auto& [document, leaf] : run->journal.destructions) {
    std::string path = ExportedCertificate(document);
    run->destroyed.push_back({document, path});
    const absl::Status sent = co_await SendProved(run, leaf, std::move(path));
    CO_RETURN_IF_ERROR(sent);
  }
  co_return absl::OkStatus();
}

absl::StatusOr<std::string> ExportHandlers::Metadata(const Run& run) const {
  ExportMetadata metadata;
  size_t unreadable = 0;  // rows of shares, requests and hosts
  const absl::Time now = vault_.context.log.Now();
  for (const Paper& paper : run.papers) {
    metadata.Add(DocumentOf(paper.id, paper.stored));
  }
  const auto each_name = [&](const auto& add) -> absl::Status {
    for (const HostedName& name : run.names) {
      RETURN_IF_ERROR(add(name.person, rpc::RefFor(vault_.context, run.call, name.person)));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(each_name([&](const Id128& person, const common::v1::PersonRef& ref) -> absl::Status {
    ASSIGN_OR_RETURN(const auto shares, AllShares(vault_.store, person));
    unreadable += shares.missing();
    for (const Row<v1::StoredShare>& row : shares.rows) {
      metadata.Add(ShareOf(row.id, row.stored, ref, now, vault_.lease.Held()));
    }
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(each_name([&](const Id128& person, const common::v1::PersonRef& ref) -> absl::Status {
    std::optional<Id128> from = Id128();
    while (from.has_value()) {
      ASSIGN_OR_RETURN(const auto page, vault_.store.ReadableRequests(person, *from, kPage));
      unreadable += page.missing();
      for (const Row<v1::StoredRequest>& row : page.rows) {
        metadata.Add(RequestOf(row.id, row.stored, ref, now, vault_.settings.requests));
      }
      from = page.next;
    }
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(each_name([&](const Id128& person, const common::v1::PersonRef&) -> absl::Status {
    ASSIGN_OR_RETURN(const auto hosts, vault_.store.ReadableHosts(person));
    unreadable += hosts.unreadable.size() + hosts.gaps;
    for (const VaultStore::HostRow& row : hosts.rows) {
      metadata.Add(HostOf(row.institution, row.stored.value, now));
    }
    return absl::OkStatus();
  }));
  return metadata.Finish(unreadable);
}

Task<absl::Status> ExportHandlers::SendManifest(std::shared_ptr<Run> run) {
  CO_RETURN_IF_ERROR(run->Look());
  const absl::StatusOr<std::string> checkpoint = co_await vault_.context.log.Checkpoint(run->log_end);
  CO_RETURN_IF_ERROR(checkpoint.status());
  ExportManifest manifest;
  CO_ASSIGN_OR_RETURN(manifest.log_size, rpc::CheckpointSize(*checkpoint));
  manifest.checkpoint = *checkpoint;
  manifest.export_id = run->id.ToHex();
  manifest.made = run->made;
  manifest.origin = vault_.context.log.origin();
  manifest.person = rpc::RefFor(vault_.context, run->call, run->names.front().person).handle();
  manifest.files = run->sink->files();
  manifest.current_only = run->request.current_only();
  manifest.texts = run->texts;
  manifest.destroyed = run->destroyed;
  manifest.damaged.assign(run->damaged.begin(), run->damaged.end());
  manifest.unreadable = run->Unreadable();
  std::string path = "manifest.json";
  std::string text = ExportManifestText(manifest);
  absl::Status sent = co_await run->sink->File(std::move(path), std::move(text), false);
  co_return sent;
}

// All bytes are handed over: whatever has ended since, this is what left, so nothing guards it.
Task<absl::Status> ExportHandlers::RecordEnd(std::shared_ptr<Run> run) {
  for (size_t name = 0; name < run->names.size(); ++name) {
    const Id128 person = run->names[name].person;
    const Acting acting{run->call, run->actor, "", person, kAsHost};
    std::vector<audit::Event> events;
    events.push_back(ExportedEvent(acting, run->Ended()));
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(person);
    const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
    if (audit::IsErased(done.status())) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(done.status());
    if (name == 0) {
      run->ended = *done;
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ExportHandlers::SendEnd(std::shared_ptr<Run> run) {
  // The last look, in memory, before the archive is whole.
  CO_RETURN_IF_ERROR(run->Look());
  absl::Status sent = co_await run->sink->Close();
  CO_RETURN_IF_ERROR(sent);
  sent = co_await RecordEnd(run);
  CO_RETURN_IF_ERROR(sent);
  v1::ExportEnd end;
  for (const std::string& id : run->damaged) {
    end.add_damaged_document_ids(id);
  }
  CO_ASSIGN_OR_RETURN(*end.mutable_written(), co_await WrittenAct(vault_, run->ended, true));
  CO_RETURN_IF_ERROR(run->Look());
  sent = co_await run->sink->Finish(std::move(end));
  co_return sent;
}

}  // namespace relais::vault
