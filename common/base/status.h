// Error propagation, the one way. Functions return absl::Status or absl::StatusOr<T>; we throw nothing.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RELAIS_CONCAT_INNER(a, b) a##b
#define RELAIS_CONCAT(a, b) RELAIS_CONCAT_INNER(a, b)

/// Returns the error of `expr` (absl::Status) from the calling function, if it is one.
#define RETURN_IF_ERROR(expr)                                       \
  do {                                                              \
    if (absl::Status relais_status = (expr); !relais_status.ok()) { \
      return relais_status;                                         \
    }                                                               \
  } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): `lhs` declares and `ret` is a keyword.
#define RELAIS_ASSIGN_OR(ret, tmp, lhs, expr) \
  auto tmp = (expr);                          \
  if (!tmp.ok()) {                            \
    ret std::move(tmp).status();              \
  }                                           \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)

/// ASSIGN_OR_RETURN(auto x, F()): assigns the value of a StatusOr, or returns its error.
#define ASSIGN_OR_RETURN(lhs, expr) RELAIS_ASSIGN_OR(return, RELAIS_CONCAT(relais_or_, __LINE__), lhs, expr)

// The same inside a coroutine (Task<absl::Status> or Task<absl::StatusOr<T>>).
#define CO_RETURN_IF_ERROR(expr)                                    \
  do {                                                              \
    if (absl::Status relais_status = (expr); !relais_status.ok()) { \
      co_return relais_status;                                      \
    }                                                               \
  } while (false)

#define CO_ASSIGN_OR_RETURN(lhs, expr) \
  RELAIS_ASSIGN_OR(co_return, RELAIS_CONCAT(relais_or_, __LINE__), lhs, expr)
