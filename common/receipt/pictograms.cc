#include "common/receipt/pictograms.h"

#include <array>
#include <utility>

namespace relais::receipt {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kPaths = {{
    {"what", "M5 3h14v18H5zM8 8h8M8 12h8M8 16h5"},
    {"to", "M3 21h18M5 21V9l7-5 7 5v12M10 21v-6h4v6M8 11h2M14 11h2"},
    {"why", "M12 3a9 9 0 1 0 .01 0M12 8a4 4 0 1 0 .01 0M12 12h.01"},
    {"how", "M3 12h16M13 6l6 6-6 6"},
    {"until", "M4 5h16v16H4zM4 10h16M8 3v4M16 3v4M8 14h3M8 17h6"},
    {"withdraw", "M9 5 4 10l5 5M4 10h10a5 5 0 0 1 0 10H9"},
    {"who", "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8 12l3 3 5-6"},
    {"rights", "M12 3v18M6 21h12M4 7h16M4 7l-2 6h5zM20 7l-3 6h5z"},
    {"proof", "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v10H5zM12 15v3"},
    {"identity", "M3 5h18v14H3zM8 9a2 2 0 1 0 .01 0M5 16c0-4 6-4 6 0M14 9h5M14 13h5"},
    {"house", "M3 12l9-8 9 8M6 10v11h12V10M10 21v-6h4v6"},
    {"bolt", "M13 2 5 14h6l-1 8 9-13h-6z"},
    {"coin", "M12 3a9 9 0 1 0 .01 0M15 8c-4-2-7 0-7 4s3 6 7 4M6 11h6M6 13h6"},
    {"family", "M8 4a3 3 0 1 0 .01 0M3 20v-4c0-5 10-5 10 0v4M17 9a2 2 0 1 0 .01 0M15 20v-2c0-4 6-4 6 0v2"},
    {"health", "M12 21C5 15 3 12 3 8.5a4.5 4.5 0 0 1 9-1 4.5 4.5 0 0 1 9 1C21 12 19 15 12 21zM12 9v6M9 12h6"},
    {"document", "M6 2h8l5 5v15H6zM14 2v5h5M9 13h7M9 17h7"},
}};

}  // namespace

std::string Pictogram(std::string_view name) {
  for (const auto& [each, path] : kPaths) {
    if (each == name) {
      return "<svg class=\"pictogram\" aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\" "
             "width=\"24\" "
             "height=\"24\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\" "
             "stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"" +
             std::string(path) + "\"/></svg>";
    }
  }
  return "";
}

}  // namespace relais::receipt
