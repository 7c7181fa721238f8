#include "services/consent/domain/status.h"

#include <string>
#include <tuple>

namespace relais::consent {
namespace {

v1::PersonStatus& WordOf(std::string_view institution, v1::StoredStatus& status) {
  for (v1::StatusWord& word : *status.mutable_words()) {
    if (word.institution() == institution) {
      return *word.mutable_status();
    }
  }
  v1::StatusWord* word = status.add_words();
  word->set_institution(std::string(institution));
  return *word->mutable_status();
}

std::tuple<int, int, int> Order(const common::v1::Date& day) { return {day.year(), day.month(), day.day()}; }

// The last of both.
void Take(const common::v1::Date& day, common::v1::Date& last) {
  if (Order(last) < Order(day)) {
    last = day;
  }
}

}  // namespace

bool HasDay(v1::StatusChange change) {
  return change == v1::STATUS_CHANGE_DECEASED || change == v1::STATUS_CHANGE_MOVED;
}

void ApplyStatus(std::string_view institution, v1::StatusChange change, const common::v1::Date& day,
                 v1::StoredStatus& status) {
  switch (change) {
    case v1::STATUS_CHANGE_DECEASED:
      *WordOf(institution, status).mutable_deceased_on() = day;
      break;
    case v1::STATUS_CHANGE_NOT_DECEASED:
      for (v1::StatusWord& word : *status.mutable_words()) {
        word.mutable_status()->clear_deceased_on();
      }
      break;
    case v1::STATUS_CHANGE_MOVED:
      *WordOf(institution, status).mutable_moved_on() = day;
      break;
    case v1::STATUS_CHANGE_DO_NOT_GROUP:
    case v1::STATUS_CHANGE_MAY_GROUP:
      WordOf(institution, status).set_do_not_group(change == v1::STATUS_CHANGE_DO_NOT_GROUP);
      break;
    default:
      break;
  }
}

v1::PersonStatus StatusSaidBy(const v1::StoredStatus& status, std::string_view institution) {
  for (const v1::StatusWord& word : status.words()) {
    if (word.institution() == institution) {
      return word.status();
    }
  }
  return {};
}

v1::PersonStatus StatusOf(const v1::StoredStatus& status) {
  v1::PersonStatus all;
  for (const v1::StatusWord& word : status.words()) {
    if (word.status().has_deceased_on()) {
      Take(word.status().deceased_on(), *all.mutable_deceased_on());
    }
    if (word.status().has_moved_on()) {
      Take(word.status().moved_on(), *all.mutable_moved_on());
    }
    all.set_do_not_group(all.do_not_group() || word.status().do_not_group());
  }
  return all;
}

}  // namespace relais::consent
