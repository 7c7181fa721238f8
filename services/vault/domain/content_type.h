// What a text is, by its content alone (ADR 37). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace relais::vault {

struct ContentType {
  std::string_view media_type;  // such as `application/pdf`
  std::string_view extension;   // such as `pdf`
};

/// The types that the vault takes, by media type; nullptr for another.
[[nodiscard]] const ContentType* FindContentType(std::string_view media_type);

/// Looks at a text as it goes by, in pieces of any length; keeps its first kHead bytes and nothing else. Not
/// thread-safe.
class ContentRecogniser {
 public:
  static constexpr size_t kHead = 64;

  void Write(std::string_view text);
  /// What it is; nullptr: nothing that the vault takes. A text without a known signature is `text/plain` when
  /// all of it is UTF-8 without control characters but tab, line feed, form feed and carriage return, and it
  /// does not begin like markup, a script or a program (after a byte order mark and blanks). An empty one is
  /// `text/plain`.
  [[nodiscard]] const ContentType* Finish() const;

 private:
  void CheckText(std::string_view text);

  std::string head_;
  std::string begin_;  // its first letters after a mark and blanks, for what texts may not begin with
  bool blank_ = true;
  bool text_ = true;  // so far
  // The character that is under way: how many bytes lack, and the bounds of the next one.
  int lacking_ = 0;
  uint8_t low_ = 0x80;
  uint8_t high_ = 0xbf;
};

}  // namespace relais::vault
