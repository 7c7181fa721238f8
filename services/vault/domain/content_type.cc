#include "services/vault/domain/content_type.h"

#include <algorithm>
#include <array>

namespace relais::vault {
namespace {

using std::string_view_literals::operator""sv;

constexpr ContentType kPdf{"application/pdf", "pdf"};
constexpr ContentType kJpeg{"image/jpeg", "jpg"};
constexpr ContentType kPng{"image/png", "png"};
constexpr ContentType kTiff{"image/tiff", "tif"};
constexpr ContentType kHeif{"image/heif", "heif"};
constexpr ContentType kWebp{"image/webp", "webp"};
constexpr ContentType kText{"text/plain", "txt"};
constexpr std::array<const ContentType*, 7> kTypes = {&kPdf, &kJpeg, &kPng, &kTiff, &kHeif, &kWebp, &kText};

constexpr size_t kBegin = 5;  // the longest of these
constexpr std::array<std::string_view, 5> kNoText = {"<"sv, "#!"sv, "%!"sv, "{\\rtf"sv, "@echo"sv};

struct Signature {
  size_t at;
  std::string_view bytes;
  const ContentType* type;
};
// All of one type's must be there. HEIF's brands are the still images of ISO/IEC 23008-12.
constexpr std::array<Signature, 6> kSignatures = {{{0, "%PDF-"sv, &kPdf},
                                                   {0, "\xff\xd8\xff"sv, &kJpeg},
                                                   {0, "\x89PNG\r\n\x1a\n"sv, &kPng},
                                                   {0, "II*\0"sv, &kTiff},
                                                   {0, "MM\0*"sv, &kTiff},
                                                   {8, "WEBP"sv, &kWebp}}};
constexpr std::array<std::string_view, 4> kHeifBrands = {"heic"sv, "heix"sv, "heim"sv, "mif1"sv};

bool Has(std::string_view head, size_t at, std::string_view bytes) {
  return head.size() >= at + bytes.size() && head.substr(at, bytes.size()) == bytes;
}

bool IsBlank(uint8_t byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

bool IsControl(uint8_t byte) { return (byte < 0x20 && !IsBlank(byte)) || byte == 0x7f; }

}  // namespace

const ContentType* FindContentType(std::string_view media_type) {
  const auto* const found = std::find_if(
      kTypes.begin(), kTypes.end(), [&](const ContentType* type) { return type->media_type == media_type; });
  return found == kTypes.end() ? nullptr : *found;
}

void ContentRecogniser::Write(std::string_view text) {
  head_ += text.substr(0, kHead - head_.size());
  if (text_) {
    CheckText(text);
  }
}

// Well-formed UTF-8 as Unicode's table 3-7 has it.
void ContentRecogniser::CheckText(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (lacking_ > 0) {
      if (byte < low_ || byte > high_) {
        text_ = false;
        return;
      }
      --lacking_;
      low_ = 0x80;
      high_ = 0xbf;
    } else if (byte >= 0x80) {
      if (byte < 0xc2 || byte > 0xf4) {
        text_ = false;
        return;
      }
      lacking_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      low_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
      high_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    } else if (IsControl(byte)) {
      text_ = false;
      return;
    }
    if (blank_ && IsBlank(byte)) {
      continue;
    }
    if (begin_.size() < kBegin) {
      blank_ = false;
      begin_ += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      if (begin_ == "\xef\xbb\xbf") {
        begin_.clear();
        blank_ = true;
      }
    }
  }
}

const ContentType* ContentRecogniser::Finish() const {
  if (Has(head_, 4, "ftyp") && std::any_of(kHeifBrands.begin(), kHeifBrands.end(),
                                           [&](std::string_view brand) { return Has(head_, 8, brand); })) {
    return &kHeif;
  }
  for (const Signature& signature : kSignatures) {
    if (Has(head_, signature.at, signature.bytes) && (signature.type != &kWebp || Has(head_, 0, "RIFF"))) {
      return signature.type;
    }
  }
  const bool begins_well = std::none_of(kNoText.begin(), kNoText.end(), [&](std::string_view beginning) {
    return begin_.substr(0, beginning.size()) == beginning;
  });
  return text_ && lacking_ == 0 && begins_well ? &kText : nullptr;
}

}  // namespace relais::vault
