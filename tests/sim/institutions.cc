// The institutions at work: a supplier, a social service and an association. Each is a coroutine; each
// retries as a real client does, with the same request id.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "tests/sim/world.h"

namespace relais::sim {
namespace {

constexpr int kPersons = 3;
constexpr int kBrief = 2;
constexpr char kNoteDesk[] = "emmaus-maraude";

consent::v1::ConsentLine Line() {
  consent::v1::ConsentLine line;
  line.add_purposes("SOCIAL_ASSESSMENT");
  line.add_categories("SOCIAL_SITUATION");
  line.add_recipients()->set_institution("emmaus");
  line.add_acts(common::v1::ACT_TRANSMIT);
  return line;
}

alerting::v1::FeedRow Row(uint64_t line, std::vector<std::string> cells) {
  alerting::v1::FeedRow row;
  row.set_line(line);
  for (std::string& cell : cells) {
    row.mutable_cells()->add_cells(std::move(cell));
  }
  return row;
}

}  // namespace

Task<bool> World::Pause(uint64_t most_ms) {
  co_await Sleep(sim_, absl::Milliseconds(static_cast<int64_t>(1 + sim_.Below(most_ms))));
  co_return !ending_;
}

// A social worker and one person: she is registered, agrees, messages go to the association, she withdraws,
// and so on.
Task<void> World::LifeOfPerson(int number) {
  const rpc::Call call = CallOf("ville-paris", "dsol");
  consent::v1::RegisterRequest registration;
  registration.set_request_id(absl::StrCat("register-", number));
  registration.set_own_identifier(absl::StrCat("case-", number));
  const auto invoke_registered = [call](auto process, consent::v1::RegisterRequest request) {
    return process->service->persons().Register(call, std::move(request));
  };
  auto registered =
      co_await Ask<consent::Service, consent::v1::RegisterRequest, consent::v1::RegisterResponse>(
          *consent_, registration, invoke_registered);
  if (!registered.ok()) {
    Fail(absl::StrCat("Register: ", registered.status().ToString()));
    --running_;
    co_return;
  }
  const common::v1::PersonRef person = registered->person();
  bool agreed = false;
  std::string last_revision;
  for (int step = 0; step < options_.operations / kPersons; ++step) {
    const bool go_on = co_await Pause(1500);
    if (!go_on) {
      break;
    }
    const std::string id = absl::StrCat("op-", number, "-", step);
    const uint64_t choice = sim_.Below(10);
    if (choice < 2 || (!agreed && choice < 4)) {
      consent::v1::RecordConsentRequest request;
      request.set_request_id(id);
      *request.mutable_person() = person;
      *request.add_lines() = Line();
      request.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
      request.set_method(consent::v1::METHOD_SIGNED_PAPER);
      request.mutable_notice()->set_id("notice");
      request.mutable_notice()->set_version("1");
      const auto invoke_answer = [call](auto process, consent::v1::RecordConsentRequest inner) {
        return process->service->agreements().RecordConsent(call, std::move(inner));
      };
      auto answer = co_await Ask<consent::Service, consent::v1::RecordConsentRequest,
                                 consent::v1::RecordConsentResponse>(*consent_, request, invoke_answer);
      if (!answer.ok()) {
        Fail(absl::StrCat("RecordConsent: ", answer.status().ToString()));
        break;
      }
      agreed = true;
      promises_.consents.insert(answer->consent_id());
      last_revision = answer->written().revision();
    } else if (choice < 4) {
      consent::v1::WithdrawConsentRequest request;
      request.set_request_id(id);
      *request.mutable_person() = person;
      request.add_lines();
      const auto invoke_answer = [call](auto process, consent::v1::WithdrawConsentRequest inner) {
        return process->service->agreements().WithdrawConsent(call, std::move(inner));
      };
      auto answer = co_await Ask<consent::Service, consent::v1::WithdrawConsentRequest,
                                 consent::v1::WithdrawConsentResponse>(*consent_, request, invoke_answer);
      if (!answer.ok()) {
        Fail(absl::StrCat("WithdrawConsent: ", answer.status().ToString()));
        break;
      }
      agreed = false;
      ++counts_.withdrawals;
      last_revision = answer->written().revision();
    } else if (choice < 7) {
      consent::v1::CheckRequest request;
      *request.mutable_person() = person;
      request.mutable_sender()->set_institution("ville-paris");
      request.mutable_recipient()->set_institution("emmaus");
      request.set_purpose("SOCIAL_ASSESSMENT");
      request.add_categories("SOCIAL_SITUATION");
      request.set_act(common::v1::ACT_TRANSMIT);
      request.set_dry_run(choice == 4);
      request.set_at_least_as_fresh(last_revision);
      const auto invoke_answer = [call](auto process, consent::v1::CheckRequest inner) {
        return process->service->checks().Check(call, std::move(inner));
      };
      auto answer = co_await Ask<consent::Service, consent::v1::CheckRequest, consent::v1::CheckResponse>(
          *consent_, request, invoke_answer);
      if (!answer.ok()) {
        Fail(absl::StrCat("Check: ", answer.status().ToString()));
        break;
      }
      const bool permitted = answer->decision() == common::v1::DECISION_PERMIT;
      if (permitted != agreed) {
        Fail(absl::StrCat("a check at revision ", last_revision, permitted ? " permits" : " denies",
                          " although she ", agreed ? "agreed" : "withdrew"));
      }
      counts_.refused_checks += permitted ? 0 : 1;
    } else {
      routing::v1::SubmitRequest request;
      request.set_request_id(id);
      *request.mutable_person() = person;
      request.mutable_sender()->set_institution("ville-paris");
      request.set_purpose("SOCIAL_ASSESSMENT");
      request.add_categories("SOCIAL_SITUATION");
      request.mutable_content()->mutable_note()->set_text("point de situation");
      request.set_desk(kNoteDesk);
      const auto invoke_answer = [call](auto process, routing::v1::SubmitRequest inner) {
        return process->service->routing().Submit(call, std::move(inner));
      };
      auto answer = co_await Ask<routing::Service, routing::v1::SubmitRequest, routing::v1::SubmitResponse>(
          *routing_, request, invoke_answer);
      if (answer.ok()) {
        promises_.messages.insert(answer->message_id());
      } else if (agreed && absl::IsPermissionDenied(answer.status())) {
        Fail("a message was refused although she agreed");
      } else if (!absl::IsPermissionDenied(answer.status())) {
        Fail(absl::StrCat("Submit: ", answer.status().ToString()));
      }
    }
  }
  --running_;
}

// Another person, who agrees for some seconds: her agreement's end is in the log, once.
Task<void> World::AgreesBriefly(int number) {
  const rpc::Call call = CallOf("ville-paris", "dsol");
  consent::v1::RegisterRequest registration;
  registration.set_request_id(absl::StrCat("register-brief-", number));
  registration.set_own_identifier(absl::StrCat("brief-", number));
  const auto invoke_registered = [call](auto process, consent::v1::RegisterRequest request) {
    return process->service->persons().Register(call, std::move(request));
  };
  auto registered =
      co_await Ask<consent::Service, consent::v1::RegisterRequest, consent::v1::RegisterResponse>(
          *consent_, registration, invoke_registered);
  co_await Pause(static_cast<uint64_t>(absl::ToInt64Milliseconds(options_.length)) / 2);
  if (registered.ok()) {
    consent::v1::RecordConsentRequest request;
    request.set_request_id(absl::StrCat("brief-", number));
    *request.mutable_person() = registered->person();
    *request.add_lines() = Line();
    request.set_legal_basis(consent::v1::LEGAL_BASIS_PUBLIC_TASK);
    request.set_method(consent::v1::METHOD_SIGNED_PAPER);
    request.mutable_notice()->set_id("notice");
    request.mutable_notice()->set_version("1");
    const absl::Time end = sim_.Now() + absl::Milliseconds(static_cast<int64_t>(500 + sim_.Below(15000)));
    *request.mutable_valid_until() = ToProto(end);
    const auto invoke_answer = [call](auto process, consent::v1::RecordConsentRequest inner) {
      return process->service->agreements().RecordConsent(call, std::move(inner));
    };
    auto answer =
        co_await Ask<consent::Service, consent::v1::RecordConsentRequest, consent::v1::RecordConsentResponse>(
            *consent_, request, invoke_answer);
    if (answer.ok()) {
      promises_.consents.insert(answer->consent_id());
      promises_.expiring.insert(answer->consent_id());
      ++counts_.expiring;
    } else if (!absl::IsInvalidArgument(answer.status())) {  // its end came before it could be recorded
      Fail(absl::StrCat("RecordConsent, brief: ", answer.status().ToString()));
    }
  }
  --running_;
}

Task<void> World::SupplierSends(int batch) {
  co_await Pause(static_cast<uint64_t>(absl::ToInt64Milliseconds(options_.length)) / 2);
  alerting::v1::SubmitRowsRequest request;
  request.set_type(alerting::v1::FEED_TYPE_EDF);
  const int rows = 1 + static_cast<int>(sim_.Below(4));
  for (int i = 0; i < rows; ++i) {
    const std::string person = absl::StrCat("NOM", sim_.Below(kPersons));
    const std::string reference = absl::StrCat("R-", sim_.Below(30));
    const bool objects = sim_.Below(12) == 0;
    const bool settles = sim_.Below(5) == 0;
    *request.add_rows() =
        settles ? Row(i + 2, {reference, "", "REGLEMENT", "2026-11-20", "GAZ", "NON", "", person, "Jeanne",
                              "12 rue Nationale", "Paris", "75013", "", "", "", ""})
                : Row(i + 2, {reference, "ART6", "COUPURE", "2026-11-10", "GAZ", objects ? "OUI" : "NON", "",
                              person, "Jeanne", "12 rue Nationale", "Paris", "75013", "", "120,50",
                              "2026-09-01", "2026-10-30"});
  }
  const rpc::Call call = CallOf("edf", "billing");
  const auto invoke_answer = [call](auto process, alerting::v1::SubmitRowsRequest inner) {
    return process->service->signals().SubmitRows(call, std::move(inner));
  };
  auto answer =
      co_await Ask<alerting::Service, alerting::v1::SubmitRowsRequest, alerting::v1::SubmitRowsResponse>(
          *alerting_, request, invoke_answer);
  if (!answer.ok()) {
    Fail(absl::StrCat("SubmitRows: ", answer.status().ToString(), " in batch ", batch));
  } else {
    for (int i = 0; i < answer->results_size(); ++i) {
      if (answer->results(i).outcome() != alerting::v1::OUTCOME_REFUSED) {
        promises_.accepted_rows.insert(request.rows(i).cells().cells(0));
        ++counts_.accepted_rows;
      }
    }
  }
  --running_;
}

// A desk's system: pulls, stores, acknowledges, and sometimes a human takes one. Goes on until the world is
// calm and nothing waits any more.
Task<void> World::DeskWorks(std::string institution, std::string system, std::string desk) {
  const rpc::Call call = CallOf(institution, system);
  int idle = 0;
  for (int round = 0; idle < 5; ++round) {
    const auto pause = static_cast<int64_t>(ending_ ? 5000 : 50 + sim_.Below(900));
    co_await Sleep(sim_, absl::Milliseconds(pause));
    routing::v1::PullRequest pull;
    pull.set_desk(desk);
    const auto invoke_pulled = [this, call](auto process, routing::v1::PullRequest inner) {
      return PullAndWatch(std::move(process), call, std::move(inner));
    };
    auto pulled = co_await Ask<routing::Service, routing::v1::PullRequest, routing::v1::PullResponse>(
        *routing_, pull, invoke_pulled);
    if (!pulled.ok() || pulled->messages().empty()) {
      idle += ending_ ? 1 : 0;
      continue;
    }
    idle = 0;
    for (const routing::v1::Message& message : pulled->messages()) {
      if (!ending_ && sim_.Below(5) == 0) {
        continue;  // the desk's system failed before it stored it
      }
      routing::v1::AckRequest ack;
      ack.set_message_id(message.message_id());
      const auto invoke_acknowledged = [call](auto process, routing::v1::AckRequest inner) {
        return process->service->inboxes().Ack(call, std::move(inner));
      };
      auto acknowledged = co_await Ask<routing::Service, routing::v1::AckRequest, routing::v1::AckResponse>(
          *routing_, ack, invoke_acknowledged);
      if (acknowledged.ok()) {
        promises_.acknowledged.insert(message.message_id());
      } else if (!absl::IsFailedPrecondition(acknowledged.status())) {
        Fail(absl::StrCat("Ack: ", acknowledged.status().ToString()));
      }
      if (sim_.Below(3) == 0) {
        routing::v1::TakeRequest take;
        take.set_request_id("take-" + message.message_id());
        take.set_message_id(message.message_id());
        const auto invoke_taken = [call](auto process, routing::v1::TakeRequest inner) {
          return process->service->inboxes().Take(call, std::move(inner));
        };
        auto taken = co_await Ask<routing::Service, routing::v1::TakeRequest, routing::v1::TakeResponse>(
            *routing_, take, invoke_taken);
        if (taken.ok()) {
          promises_.taken.insert(message.message_id());
        }
      }
    }
  }
  --running_;
}

void World::StartInstitutions() {
  const int batches = options_.operations / 6;
  running_ = kPersons + kBrief + batches + 2;
  for (int i = 0; i < kPersons; ++i) {
    Spawn(sim_, LifeOfPerson(i));
  }
  for (int i = 0; i < kBrief; ++i) {
    Spawn(sim_, AgreesBriefly(i));
  }
  for (int i = 0; i < batches; ++i) {
    Spawn(sim_, SupplierSends(i));
  }
  Spawn(sim_, DeskWorks("emmaus", "maraude", kNoteDesk));
  Spawn(sim_, DeskWorks("ville-paris", "dsol", "dsol-75113"));
}

}  // namespace relais::sim
