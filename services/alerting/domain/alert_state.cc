#include "services/alerting/domain/alert_state.h"

#include <algorithm>
#include <utility>

namespace relais::alerting {
namespace {

// CLOSED and WITHDRAWN end what nobody took; a take outlives them all.
int Rank(v1::Alert::State state) {
  switch (state) {
    case v1::Alert::STATE_PENDING_CONSENT:
      return 1;
    case v1::Alert::STATE_SENT:
      return 2;
    case v1::Alert::STATE_DELIVERED:
      return 3;
    case v1::Alert::STATE_NOT_PERMITTED:
    case v1::Alert::STATE_CLOSED:
    case v1::Alert::STATE_WITHDRAWN:
      return 4;
    case v1::Alert::STATE_TAKEN:
      return 5;
    default:
      return 0;
  }
}

bool HasEnded(v1::Alert::State state) {
  return state == v1::Alert::STATE_NOT_PERMITTED || state == v1::Alert::STATE_CLOSED ||
         state == v1::Alert::STATE_WITHDRAWN;
}

template <typename List>
bool Has(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void Reopen(v1::AlertState& alert, const std::string& row_id) {
  alert.set_state(v1::Alert::STATE_PENDING_CONSENT);
  alert.set_row(row_id);
  alert.set_round(alert.round() + 1);
  if (!alert.message_id().empty()) {
    alert.add_past_messages(alert.message_id());
  }
  alert.clear_message_id();
  alert.clear_desk();
  alert.clear_desk_institution();
  alert.clear_told();
}

}  // namespace

bool Advance(v1::AlertState& alert, v1::Alert::State to) {
  if (Rank(to) <= Rank(alert.state())) {
    return false;
  }
  alert.set_state(to);
  return true;
}

bool Settle(v1::AlertState& alert, const std::string& row_id, Settled settled, std::string note) {
  if (Has(alert.settled_by(), row_id)) {
    return false;
  }
  const bool goes_on = settled == Settled::kInPart && !HasEnded(alert.state());
  if (alert.state() == v1::Alert::STATE_TAKEN || goes_on) {
    alert.add_notes(std::move(note));
  } else if (settled == Settled::kInPart ||
             (!Advance(alert, v1::Alert::STATE_CLOSED) && alert.state() != v1::Alert::STATE_CLOSED)) {
    return false;
  }
  alert.add_settled_by(row_id);
  alert.set_settling(row_id);
  return true;
}

bool Join(v1::AlertState& alert, const std::string& row_id, const v1::RowState& row) {
  if (alert.row() == row_id || Has(alert.joined(), row_id)) {
    return false;
  }
  alert.add_joined(row_id);
  alert.set_facts(alert.facts() + 1);
  for (const std::string& mark : row.marks()) {
    if (!Has(alert.marks(), mark)) {
      alert.add_marks(mark);
    }
  }
  if (HasEnded(alert.state())) {
    Reopen(alert, row_id);
  }
  return true;
}

bool IsAbout(const v1::AlertState& alert, const std::string& message_id) {
  if (Has(alert.past_messages(), message_id)) {
    return false;
  }
  return alert.message_id().empty() || alert.message_id() == message_id;
}

bool WaitsForSending(const v1::AlertState& alert, uint32_t round) {
  // Routing's log may tell of a delivery before the sending itself was written down here: only the message's
  // id says that it was.
  return alert.round() == round && alert.message_id().empty() &&
         alert.state() != v1::Alert::STATE_NOT_PERMITTED && alert.state() != v1::Alert::STATE_CLOSED;
}

}  // namespace relais::alerting
