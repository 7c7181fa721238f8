// Tells a question leaves one by one, as the run would, under the sample directory.
//
//   Teller teller(MakePermitAfterRefusal({}));
//   const uint64_t no = teller.Refuses(1, Line("RIGHTS_OPENING", "IDENTITY", "caf"));
//   teller.Permit(1, ...);
//   EXPECT_THAT(teller.Found(), …)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/proto_time.h"
#include "common/directory/testing/sample.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/consent/v1/person_events.pb.h"
#include "services/cli/questions/catalog.h"

namespace relais::cli::questions::testing {

/// The sample directory under every version but 99, which is not to be had.
class SampleHistory final : public DirectoryHistory {
 public:
  [[nodiscard]] std::shared_ptr<const directory::Directory> At(uint64_t version) override {
    return version == 99 ? nullptr : directory_;
  }

 private:
  std::shared_ptr<const directory::Directory> directory_ = directory::testing::SampleDirectory();
};

inline Id128 IdOf(uint8_t number) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw[0] = number;
  raw[15] = number;
  return Id128(raw);
}

/// Names an institution, or a kind in capitals; "" for all.
inline consent::v1::ConsentLine Line(const std::string& purpose, const std::string& category,
                                     const std::string& recipient) {
  consent::v1::ConsentLine line;
  if (!purpose.empty()) {
    line.add_purposes(purpose);
  }
  if (!category.empty()) {
    line.add_categories(category);
  }
  if (!recipient.empty() && recipient[0] >= 'A' && recipient[0] <= 'Z') {
    line.add_recipients()->set_kind(recipient);
  } else if (!recipient.empty()) {
    line.add_recipients()->set_institution(recipient);
  }
  if (!purpose.empty() || !category.empty() || !recipient.empty()) {
    line.add_acts(common::v1::ACT_TRANSMIT);
  }
  return line;
}

class Teller {
 public:
  explicit Teller(std::unique_ptr<Question> question) : question_(std::move(question)) {}

  static absl::Time Start() { return absl::FromUnixSeconds(1'790'000'000); }  // 2026-09-21
  [[nodiscard]] absl::Time now() const { return now_; }
  void Pass(absl::Duration time) { now_ += time; }

  /// A leaf at the present instant; the clock then moves a second. Its index.
  template <typename Payload>
  uint64_t Tell(const std::string& service, audit::v1::EventClass event_class, const Payload& payload,
                const std::function<void(SeenLeaf&)>& change = nullptr) {
    SeenLeaf leaf;
    leaf.service = service;
    leaf.index = next_[service]++;
    leaf.time = now_;
    leaf.header.set_event_class(event_class);
    leaf.header.set_institution("ville-paris");
    leaf.header.set_directory_version(1);
    leaf.details.set_acting_function("assistant-social");
    leaf.details.mutable_payload()->PackFrom(payload);
    if (change) {
      change(leaf);
    }
    question_->Add(leaf, Past(history_, acts_, complete));
    if (const std::optional<Id128> person = leaf.Person(); person && service == "consent" && leaf.opened) {
      acts_.Add(*person, leaf.index, leaf.time, event_class, leaf.details.payload());
    }
    now_ += absl::Seconds(1);
    return leaf.index;
  }
  static void SetPerson(SeenLeaf& leaf, uint8_t person) {
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(IdOf(person).ToBytes());
  }
  static std::function<void(SeenLeaf&)> Of(uint8_t person) {
    return [person](SeenLeaf& leaf) { SetPerson(leaf, person); };
  }

  // ---- her acts, in consent's log

  consent::v1::Consent AgreementTo(const consent::v1::ConsentLine& line, uint8_t id) const {
    consent::v1::Consent consent;
    consent.set_consent_id(IdOf(id).ToHex());
    *consent.add_lines() = line;
    *consent.mutable_valid_from() = ToProto(now_);
    *consent.mutable_valid_until() = ToProto(now_ + absl::Hours(24 * 365));
    consent.set_method(consent::v1::METHOD_SIGNED_PAPER);
    consent.set_evidence("D-12");
    consent.mutable_notice()->set_id("accord-general");
    consent.mutable_notice()->set_version("3");
    consent.mutable_notice()->set_language("fr");
    return consent;
  }
  uint64_t Agrees(uint8_t person, const consent::v1::Consent& consent) {
    consent::v1::ConsentRecorded payload;
    *payload.mutable_consent() = consent;
    return Tell("consent", audit::v1::EVENT_CLASS_CONSENT_RECORDED, payload, Of(person));
  }
  uint64_t Agrees(uint8_t person, const consent::v1::ConsentLine& line, uint8_t id) {
    return Agrees(person, AgreementTo(line, id));
  }
  uint64_t Refuses(uint8_t person, const consent::v1::ConsentLine& line) {
    consent::v1::RefusalRecorded payload;
    *payload.add_lines() = line;
    return Tell("consent", audit::v1::EVENT_CLASS_REFUSAL_RECORDED, payload, Of(person));
  }
  /// The second leaf of a link, which is about the one with the lower id.
  uint64_t Links(uint8_t canonical, uint8_t linked) {
    consent::v1::PersonsLinked payload;
    payload.set_canonical_id(IdOf(canonical).ToBytes());
    payload.set_linked_id(IdOf(linked).ToBytes());
    return Tell("consent", audit::v1::EVENT_CLASS_PERSONS_LINKED, payload, Of(canonical));
  }
  /// The second leaf of a split, which is about the one who is on her own again.
  uint64_t Splits(uint8_t canonical, uint8_t linked) {
    consent::v1::PersonsSplit payload;
    payload.set_canonical_id(IdOf(canonical).ToBytes());
    payload.set_linked_id(IdOf(linked).ToBytes());
    return Tell("consent", audit::v1::EVENT_CLASS_PERSONS_SPLIT, payload, Of(linked));
  }
  /// `agreement` 0: none in particular.
  uint64_t Withdraws(uint8_t person, const consent::v1::ConsentLine& line, uint8_t agreement = 0) {
    consent::v1::ConsentWithdrawn payload;
    *payload.add_lines() = line;
    if (agreement != 0) {
      payload.set_consent_id(IdOf(agreement).ToHex());
    }
    return Tell("consent", audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN, payload, Of(person));
  }
  uint64_t Objects(uint8_t person, const std::string& supplier, const std::string& digest = "") {
    consent::v1::ObjectionRecorded payload;
    payload.set_supplier(supplier);
    payload.set_digest(digest);
    return Tell("consent", audit::v1::EVENT_CLASS_OBJECTION_RECORDED, payload, Of(person));
  }
  uint64_t Lifts(uint8_t person, const std::string& supplier, const std::string& digest = "") {
    consent::v1::ObjectionLifted payload;
    payload.set_supplier(supplier);
    payload.set_digest(digest);
    return Tell("consent", audit::v1::EVENT_CLASS_OBJECTION_LIFTED, payload, Of(person));
  }

  /// ville-paris may give IDENTITY to caf for RIGHTS_OPENING, on her agreement `agreement`; 0: on no basis.
  uint64_t Permit(uint8_t person, uint8_t agreement, const std::function<void(SeenLeaf&)>& change = nullptr,
                  const std::function<void(consent::v1::CheckDecided&)>& check = nullptr) {
    consent::v1::CheckDecided payload;
    payload.mutable_sender()->set_institution("ville-paris");
    payload.mutable_recipient()->set_institution("caf");
    payload.set_act(common::v1::ACT_TRANSMIT);
    payload.set_reason(consent::v1::REASON_AGREEMENT);
    if (agreement != 0) {
      payload.set_consent_id(IdOf(agreement).ToHex());
    }
    if (check) {
      check(payload);
    }
    return Tell("consent", audit::v1::EVENT_CLASS_CHECK_DECIDED, payload, [&](SeenLeaf& leaf) {
      SetPerson(leaf, person);
      leaf.header.set_decision(common::v1::DECISION_PERMIT);
      leaf.header.set_ground(common::v1::GROUND_AGREEMENT);
      leaf.header.set_purpose("RIGHTS_OPENING");
      leaf.header.add_categories("IDENTITY");
      *leaf.details.mutable_recipient() = payload.recipient();
      if (change) {
        change(leaf);
      }
    });
  }

  [[nodiscard]] std::vector<Finding> Found() { return question_->Finish(now_); }
  /// Each finding as "CODE leaf leaf …".
  [[nodiscard]] std::vector<std::string> Codes() {
    std::vector<std::string> codes;
    for (const Finding& finding : Found()) {
      std::string code = finding.what;
      for (const uint64_t leaf : finding.leaves) {
        code += " " + std::to_string(leaf);
      }
      codes.push_back(std::move(code));
    }
    return codes;
  }

  bool complete = true;

 private:
  std::unique_ptr<Question> question_;
  SampleHistory history_;
  HerActs acts_{1'000'000};
  absl::Time now_ = Start();
  std::map<std::string, uint64_t> next_;
};

}  // namespace relais::cli::questions::testing
