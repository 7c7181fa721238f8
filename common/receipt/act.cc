#include "common/receipt/act.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/audit/leaf.h"
#include "common/base/secret.h"
#include "common/base/status.h"
#include "common/receipt/catalog.h"
#include "common/receipt/record.h"
#include "google/protobuf/util/json_util.h"
#include "nlohmann/json.hpp"
#include "relais/consent/v1/events.pb.h"
#include "relais/vault/v1/events.pb.h"

namespace relais::receipt {
namespace {

constexpr char kFormat[] = "relais-receipt/1";
constexpr char kProof[] = "proof";

// Protobuf's JSON mapping, with fields that have their default value.
std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  // Only a proof is printed: it has no value that the mapping cannot say.
  return google::protobuf::util::MessageToJsonString(message, &json, options).ok() ? json : "{}";
}

// What the person reads.
struct Words {
  audit::v1::EventClass event_class;
  const char* act;
  const char* fr;
  const char* en;
};

constexpr Words kWords[] = {
    {audit::v1::EVENT_CLASS_CONSENT_RECORDED, "consent",
     "Vous avez donné votre accord. Vous pouvez le retirer à tout moment, à n'importe quel guichet.",
     "You gave your agreement. You may withdraw it at any time, at any desk."},
    {audit::v1::EVENT_CLASS_REFUSAL_RECORDED, "refusal", "Vous avez dit non. Votre refus est enregistré.",
     "You said no. Your refusal is recorded."},
    {audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "withdrawal",
     "Vous avez retiré votre accord. Il ne vaut plus à partir de maintenant.",
     "You withdrew your agreement. It no longer holds from now on."},
    {audit::v1::EVENT_CLASS_OBJECTION_RECORDED, "objection",
     "Votre opposition est enregistrée ; elle est gardée trois ans et se renouvelle.",
     "Your objection is recorded; it is kept for three years and can be renewed."},
    {audit::v1::EVENT_CLASS_OBJECTION_LIFTED, "objection-lifted", "Vous avez levé votre opposition.",
     "You lifted your objection."},
    {audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, "emergency",
     "Une urgence vitale a été déclarée ; vous en serez informée.",
     "A vital emergency was declared; you will be told."},
    {audit::v1::EVENT_CLASS_CONSENT_RENEWED, "renewal",
     "Vous avez renouvelé votre accord. Vous pouvez le retirer à tout moment, à n'importe quel guichet.",
     "You renewed your agreement. You may withdraw it at any time, at any desk."},
    {audit::v1::EVENT_CLASS_INFORMATION_RECORDED, "information", "Vous avez été informée.",
     "You were informed."},
    {audit::v1::EVENT_CLASS_RIGHTS_OPENED, "rights", "Votre demande est notée. La réponse vient en un mois.",
     "Your request is noted. The answer comes within a month."},
    {audit::v1::EVENT_CLASS_RIGHTS_ANSWERED, "rights-answer", "Réponse à votre demande",
     "Answer to your request"},
    {audit::v1::EVENT_CLASS_RECORD_RECTIFIED, "rectification", "Vos informations ont été corrigées.",
     "Your information was corrected."},
    {audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, "restriction",
     "Vos informations sont gardées, sans être utilisées.", "Your information is kept and not used."},
    {audit::v1::EVENT_CLASS_CHECK_DECIDED, "check", "Une décision sur la transmission de vos informations.",
     "A decision on passing on your information."},
    {audit::v1::EVENT_CLASS_ERASE_REQUESTED, "erasure-request", "Demande d'effacement", "Request to erase"},
    {audit::v1::EVENT_CLASS_ERASED, "erasure", "Effacement", "Erasure"},
    {audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, "deposit",
     "Un papier a été déposé dans votre coffre-fort. Personne ne le lit sans votre accord.",
     "A paper was deposited in your vault. Nobody reads it without your agreement."},
    {audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, "destruction",
     "Un papier de votre coffre-fort a été détruit : ses clés n'existent plus.",
     "A paper of your vault was destroyed: its keys exist no more."},
    {audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED, "control", "Contrôle d'un papier de votre coffre-fort",
     "Check of a paper of your vault"},
    {audit::v1::EVENT_CLASS_SHARE_CHANGED, "share", "Partage de vos papiers", "Sharing of your papers"},
    {audit::v1::EVENT_CLASS_HOST_CHANGED, "host", "Qui agit pour vous dans votre coffre-fort",
     "Who acts for you in your vault"},
    {audit::v1::EVENT_CLASS_VAULT_EXPORTED, "export", "Export de votre coffre-fort", "Export of your vault"},
    {audit::v1::EVENT_CLASS_HOLD_PLACED, "legal-hold", "Conservation ordonnée par la justice", "Legal hold"},
    {audit::v1::EVENT_CLASS_HOLD_ENDED, "legal-hold-end", "Fin d'une conservation ordonnée par la justice",
     "End of a legal hold"},
    {audit::v1::EVENT_CLASS_EPOCH_ROTATED, "epoch-rotation", "Fin d'une époque des clés",
     "End of an epoch of keys"},
};

// Of acts of which the leaf says that somebody spoke for her (D-2.8, D-2.9); who follows these words.
constexpr Words kSpokenFor[] = {
    {audit::v1::EVENT_CLASS_CONSENT_RECORDED, "consent",
     "Un accord a été donné en votre nom. Il peut être retiré à tout moment, à n'importe quel guichet.",
     "An agreement was given in your name. It may be withdrawn at any time, at any desk."},
    {audit::v1::EVENT_CLASS_REFUSAL_RECORDED, "refusal",
     "Un non a été dit en votre nom. Ce refus est enregistré.",
     "No was said in your name. This refusal is recorded."},
    {audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "withdrawal",
     "Un accord a été retiré en votre nom. Il ne vaut plus à partir de maintenant.",
     "An agreement was withdrawn in your name. It no longer holds from now on."},
    {audit::v1::EVENT_CLASS_CONSENT_RENEWED, "renewal",
     "Un accord a été renouvelé en votre nom. Il peut être retiré à tout moment, à n'importe quel guichet.",
     "An agreement was renewed in your name. It may be withdrawn at any time, at any desk."},
};

// Of the same acts where the leaf's key is not there to tell whose word it was.
constexpr Words kSealed[] = {
    {audit::v1::EVENT_CLASS_CONSENT_RECORDED, "consent", "Un accord a été enregistré.",
     "An agreement was recorded."},
    {audit::v1::EVENT_CLASS_REFUSAL_RECORDED, "refusal", "Un refus a été enregistré.",
     "A refusal was recorded."},
    {audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "withdrawal", "La fin d'un accord a été enregistrée.",
     "The end of an agreement was recorded."},
    {audit::v1::EVENT_CLASS_CONSENT_RENEWED, "renewal", "Un accord a été renouvelé.",
     "An agreement was renewed."},
};

// Of agreements that ended otherwise than at her word (D-2.12).
constexpr Words kTerminated = {
    audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "withdrawal",
    "Un accord a été arrêté par l'organisme qui l'avait noté. Il ne vaut plus.",
    "An agreement was ended by the organisation that had recorded it. It no longer "
    "holds."};
constexpr Words kInvalidated = {audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, "withdrawal",
                                "Un accord a été déclaré non valable. Il compte comme jamais donné.",
                                "An agreement was declared invalid. It counts as never given."};

const Words* FindIn(std::span<const Words> list, audit::v1::EventClass event_class) {
  for (const Words& words : list) {
    if (words.event_class == event_class) {
      return &words;
    }
  }
  return nullptr;
}

const Words* FindWords(audit::v1::EventClass event_class) { return FindIn(kWords, event_class); }

// The payload of a leaf that its key opens.
template <typename Payload>
absl::StatusOr<Payload> PayloadOf(const common::v1::Proof& proof, const audit::Leaf& leaf) {
  ASSIGN_OR_RETURN(const audit::v1::LeafDetails details,
                   audit::OpenDetailsWithLeafKey(leaf, Secret(proof.leaf_key())));
  Payload payload;
  if (!details.payload().UnpackTo(&payload)) {
    return absl::InvalidArgumentError("receipt: the leaf's payload is not that of its act");
  }
  return payload;
}

// Of acts in a vault: the paper, share, host or export that the leaf is about; empty without its key.
absl::StatusOr<std::string> IdInVault(const common::v1::Proof& proof, const audit::Leaf& leaf) {
  if (proof.leaf_key().empty()) {
    return "";
  }
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED: {
      ASSIGN_OR_RETURN(const auto deposited, PayloadOf<vault::v1::DocumentDeposited>(proof, leaf));
      return absl::StrCat(deposited.document_id(), "/", deposited.version());
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED: {
      ASSIGN_OR_RETURN(const auto destroyed, PayloadOf<vault::v1::DocumentDestroyed>(proof, leaf));
      return destroyed.document_id();
    }
    case audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED: {
      ASSIGN_OR_RETURN(const auto verified, PayloadOf<vault::v1::DocumentVerified>(proof, leaf));
      return verified.document_id();
    }
    case audit::v1::EVENT_CLASS_SHARE_CHANGED: {
      ASSIGN_OR_RETURN(const auto share, PayloadOf<vault::v1::ShareChanged>(proof, leaf));
      return share.share_id();
    }
    case audit::v1::EVENT_CLASS_VAULT_EXPORTED: {
      ASSIGN_OR_RETURN(const auto exported, PayloadOf<vault::v1::VaultExported>(proof, leaf));
      return exported.export_id();
    }
    default: {
      ASSIGN_OR_RETURN(const auto host, PayloadOf<vault::v1::HostChanged>(proof, leaf));
      return host.institution();
    }
  }
}

// The id of what was made; empty when nothing was that has one.
absl::StatusOr<std::string> IdOf(const common::v1::Proof& proof, const audit::Leaf& leaf) {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_CONSENT_RECORDED:
    case audit::v1::EVENT_CLASS_REFUSAL_RECORDED:
    case audit::v1::EVENT_CLASS_EMERGENCY_DECLARED:
    case audit::v1::EVENT_CLASS_INFORMATION_RECORDED:
    case audit::v1::EVENT_CLASS_RIGHTS_OPENED:
    case audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED:
    case audit::v1::EVENT_CLASS_ERASE_REQUESTED:
    case audit::v1::EVENT_CLASS_ERASED:
    case audit::v1::EVENT_CLASS_HOLD_PLACED:
      return absl::BytesToHexString(leaf.header.event_id());
    case audit::v1::EVENT_CLASS_CHECK_DECIDED:  // the permit's
      return leaf.header.decision() == common::v1::DECISION_PERMIT
                 ? absl::StrCat(proof.origin(), ":", proof.leaf_index())
                 : "";
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
    case audit::v1::EVENT_CLASS_DOCUMENT_VERIFIED:
    case audit::v1::EVENT_CLASS_SHARE_CHANGED:
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
    case audit::v1::EVENT_CLASS_VAULT_EXPORTED:
      return IdInVault(proof, leaf);
    case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN:
      break;
    default:
      return "";
  }
  // The one agreement that she named, if she named one.
  if (proof.leaf_key().empty()) {
    return "";
  }
  ASSIGN_OR_RETURN(const auto withdrawn, PayloadOf<consent::v1::ConsentWithdrawn>(proof, leaf));
  return withdrawn.consent_id();
}

// Who spoke for her, if anyone, and how an agreement ended, by the leaf's payload.
struct Said {
  consent::v1::Representation by = consent::v1::REPRESENTATION_UNSPECIFIED;
  consent::v1::ConsentEnd end = consent::v1::CONSENT_END_UNSPECIFIED;
};

absl::StatusOr<Said> SaidIn(const common::v1::Proof& proof, const audit::Leaf& leaf) {
  Said said;
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_CONSENT_RECORDED: {
      ASSIGN_OR_RETURN(const auto recorded, PayloadOf<consent::v1::ConsentRecorded>(proof, leaf));
      said.by = recorded.consent().representative().kind();
      return said;
    }
    case audit::v1::EVENT_CLASS_REFUSAL_RECORDED: {
      ASSIGN_OR_RETURN(const auto refused, PayloadOf<consent::v1::RefusalRecorded>(proof, leaf));
      said.by = refused.said_by();
      return said;
    }
    case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN: {
      ASSIGN_OR_RETURN(const auto withdrawn, PayloadOf<consent::v1::ConsentWithdrawn>(proof, leaf));
      said.by = withdrawn.said_by();
      said.end = withdrawn.end();
      return said;
    }
    case audit::v1::EVENT_CLASS_CONSENT_RENEWED: {
      ASSIGN_OR_RETURN(const auto renewed, PayloadOf<consent::v1::ConsentRenewed>(proof, leaf));
      said.by = renewed.renewal().representative().kind();
      return said;
    }
    default:
      return said;
  }
}

// "representative.one_parent" in the words of the page.
std::string WhoSpoke(const char* language, consent::v1::Representation kind) {
  if (kind == consent::v1::REPRESENTATION_UNSPECIFIED) {
    return "";
  }
  const auto catalog = FindCatalog(language);
  const std::string name = consent::v1::Representation_Name(kind);
  const std::string word = absl::AsciiStrToLower(absl::StripPrefix(name, "REPRESENTATION_"));
  const std::string_view who = catalog.ok() ? (*catalog)->Message("representative." + word) : "";
  return who.empty() ? "" : absl::StrCat(" ", std::string(who));
}

struct Sentences {
  std::string act;
  std::string fr;
  std::string en;
};

// What the person reads of that leaf: nothing as hers that it does not say.
absl::StatusOr<Sentences> SentencesOf(const common::v1::Proof& proof, const audit::Leaf& leaf,
                                      const Words& words) {
  const Words* told = &words;
  Said said;
  if (!proof.leaf_key().empty()) {
    ASSIGN_OR_RETURN(said, SaidIn(proof, leaf));
  } else if (const Words* sealed = FindIn(kSealed, words.event_class)) {
    told = sealed;
  }
  if (said.end != consent::v1::CONSENT_END_UNSPECIFIED) {
    told = said.end == consent::v1::CONSENT_END_TERMINATED ? &kTerminated : &kInvalidated;
  } else if (said.by != consent::v1::REPRESENTATION_UNSPECIFIED) {
    told = FindIn(kSpokenFor, words.event_class);  // who spoke is told of these acts alone
  }
  return Sentences{told->act, told->fr + WhoSpoke("fr", said.by), told->en + WhoSpoke("en", said.by)};
}

// What the end of an epoch is said to be: of that erasure, if it ended with it; else of the epoch.
absl::StatusOr<std::string> EpochOrErasure(const common::v1::Proof& proof, const audit::Leaf& leaf,
                                           const std::string& erasure, const Words*& words) {
  ASSIGN_OR_RETURN(const auto rotated, PayloadOf<audit::v1::EpochRotated>(proof, leaf));
  const auto& ended = rotated.erasure_ids();
  if (std::find(ended.begin(), ended.end(), erasure) != ended.end()) {
    words = FindWords(audit::v1::EVENT_CLASS_ERASED);
    return erasure;
  }
  return absl::StrCat(rotated.destroyed_epoch());
}

// All members but the proof, in their order.
absl::StatusOr<nlohmann::ordered_json> SaidBy(const common::v1::Proof& proof, const std::string& erasure) {
  ASSIGN_OR_RETURN(const audit::Leaf leaf, audit::ParseLeaf(proof.leaf()));
  const Words* words = FindWords(leaf.header.event_class());
  if (words == nullptr) {
    return absl::InvalidArgumentError("receipt: its leaf is of no act that receipts are given of");
  }
  std::string id;
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_EPOCH_ROTATED) {
    ASSIGN_OR_RETURN(id, EpochOrErasure(proof, leaf, erasure, words));
  } else {
    ASSIGN_OR_RETURN(id, IdOf(proof, leaf));
  }
  ASSIGN_OR_RETURN(const Sentences sentences, SentencesOf(proof, leaf, *words));
  nlohmann::ordered_json out = {
      {"format", kFormat},
      {"fr", sentences.fr},
      {"en", sentences.en},
      {"act", sentences.act},
      {"time", absl::FormatTime(absl::RFC3339_full, leaf.time, absl::UTCTimeZone())},
      {"revision", absl::StrCat(proof.origin(), ":", proof.tree_size())}};
  if (!id.empty()) {
    out["id"] = id;
  }
  return out;
}

// Names that stand twice in one object: whoever reads the file may see the other one.
struct Parsed {
  nlohmann::json json;
  std::set<std::string> twice;
};

Parsed ParseStrictly(const std::string& text) {
  Parsed parsed;
  std::vector<std::set<std::string>> open;
  const auto watch = [&](int /*depth*/, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event == nlohmann::json::parse_event_t::object_start) {
      open.emplace_back();
    } else if (event == nlohmann::json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == nlohmann::json::parse_event_t::key &&
               !open.back().insert(value.get<std::string>()).second) {
      parsed.twice.insert(value.get<std::string>());
    }
    return true;
  };
  parsed.json = nlohmann::json::parse(text, watch, false);
  return parsed;
}

bool IsProofMember(const std::string& name) {
  const google::protobuf::Descriptor* type = common::v1::Proof::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (type->field(i)->json_name() == name) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> FormatReceipt(const common::v1::Proof& proof, const std::string& erasure) {
  ASSIGN_OR_RETURN(nlohmann::ordered_json out, SaidBy(proof, erasure));
  out[kProof] = nlohmann::ordered_json::parse(ToJson(proof));
  return out.dump(2) + "\n";
}

bool LooksLikeReceipt(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  return json.is_object() && json.contains(kProof);
}

bool IsConsentRecord(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  return json.is_object() && json.value("format", nlohmann::json()) == kRecordFormat;
}

absl::StatusOr<common::v1::Proof> ParseReceipt(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains(kProof)) {
    return absl::InvalidArgumentError("this is neither a receipt nor an export");
  }
  const nlohmann::json format = json.value("format", nlohmann::json());
  if (format != kFormat && format != kRecordFormat) {
    return absl::InvalidArgumentError(absl::StrCat("receipt: format: not ", kFormat));
  }
  common::v1::Proof proof;
  if (!google::protobuf::util::JsonStringToMessage(json[kProof].dump(), &proof).ok()) {
    return absl::InvalidArgumentError("receipt: proof: malformed");
  }
  return proof;
}

absl::Status CheckReceipt(const std::string& text, const common::v1::Proof& proof) {
  const Parsed file = ParseStrictly(text);
  if (!file.json.is_object()) {
    return absl::InvalidArgumentError("receipt: malformed");
  }
  const nlohmann::json id = file.json.value("id", nlohmann::json());
  ASSIGN_OR_RETURN(const nlohmann::ordered_json said,
                   SaidBy(proof, id.is_string() ? id.get<std::string>() : ""));
  std::vector<std::string> wrong;
  for (const auto& [name, value] : said.items()) {
    if (!file.json.contains(name)) {
      wrong.push_back(absl::StrCat(name, " is missing"));
    } else if (file.json[name] != nlohmann::json(value)) {
      wrong.push_back(absl::StrCat(name, " is not what the leaf says: ", value.dump()));
    }
  }
  for (const auto& [name, value] : file.json.items()) {
    if (name != kProof && !said.contains(name)) {
      wrong.push_back(absl::StrCat(name, " is not said by the leaf"));
    }
  }
  for (const auto& [name, value] : file.json[kProof].items()) {
    if (!IsProofMember(name)) {
      wrong.push_back(absl::StrCat("proof.", name, " is not a proof's"));
    }
  }
  for (const std::string& name : file.twice) {
    wrong.push_back(absl::StrCat(name, " is there twice"));
  }
  return wrong.empty() ? absl::OkStatus()
                       : absl::InvalidArgumentError(absl::StrCat("receipt: ", absl::StrJoin(wrong, "; ")));
}

}  // namespace relais::receipt
