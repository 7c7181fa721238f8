#include "common/directory/internal/yaml_value.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace relais::directory::internal {
namespace {

constexpr size_t kMaxBytes = size_t{8} << 20;
constexpr int kMaxDepth = 16;
constexpr size_t kMaxValues = 200'000;

absl::Status Wrong(const YAML::Node& node, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", node.Mark().line + 1, ": ", what));
}

class Converter {
 public:
  absl::Status Convert(const YAML::Node& node, int depth, YamlValue& out) {
    if (depth > kMaxDepth || ++values_ > kMaxValues) {
      return Wrong(node, "too deep or too many values");
    }
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        out.kind = YamlValue::Kind::kText;
        out.text = node.Scalar();
        return absl::OkStatus();
      case YAML::NodeType::Sequence:
        return ConvertList(node, depth, out);
      case YAML::NodeType::Map:
        return ConvertMap(node, depth, out);
      default:
        return absl::OkStatus();
    }
  }

 private:
  absl::Status ConvertList(const YAML::Node& node, int depth, YamlValue& out) {
    out.kind = YamlValue::Kind::kList;
    for (const auto& item : node) {
      RETURN_IF_ERROR(Convert(item, depth + 1, out.list.emplace_back()));
    }
    return absl::OkStatus();
  }

  absl::Status ConvertMap(const YAML::Node& node, int depth, YamlValue& out) {
    out.kind = YamlValue::Kind::kMap;
    for (const auto& item : node) {
      if (!item.first.IsScalar()) {
        return Wrong(item.first, "a key must be a text");
      }
      const std::string& key = item.first.Scalar();
      if (out.Find(key) != nullptr) {
        return Wrong(item.first, absl::StrCat("key '", key, "' is repeated"));
      }
      out.map.push_back({key, YamlValue()});
      RETURN_IF_ERROR(Convert(item.second, depth + 1, out.map.back().value));
    }
    return absl::OkStatus();
  }

  size_t values_ = 0;
};

void Emit(const YamlValue& value, YAML::Emitter& out) {
  switch (value.kind) {
    case YamlValue::Kind::kNull:
      out << YAML::Null;
      return;
    case YamlValue::Kind::kText:
      out << value.text;
      return;
    case YamlValue::Kind::kList: {
      // Short lists of words read better on one line.
      const bool words = std::all_of(value.list.begin(), value.list.end(), [](const YamlValue& item) {
        return item.kind == YamlValue::Kind::kText;
      });
      out << (words ? YAML::Flow : YAML::Block) << YAML::BeginSeq;
      for (const YamlValue& item : value.list) {
        Emit(item, out);
      }
      out << YAML::EndSeq;
      return;
    }
    case YamlValue::Kind::kMap:
      out << YAML::Block << YAML::BeginMap;
      for (const auto& [key, item] : value.map) {
        out << YAML::Key << key << YAML::Value;
        Emit(item, out);
      }
      out << YAML::EndMap;
      return;
  }
}

void FlattenInto(const YamlValue& value, const std::string& path, std::map<std::string, std::string>& out) {
  switch (value.kind) {
    case YamlValue::Kind::kNull:
      out[path] = "";
      return;
    case YamlValue::Kind::kText:
      out[path] = value.text;
      return;
    case YamlValue::Kind::kMap:
      for (const auto& [key, item] : value.map) {
        FlattenInto(item, path.empty() ? key : absl::StrCat(path, ".", key), out);
      }
      return;
    case YamlValue::Kind::kList:
      break;
  }
  const bool words = std::all_of(value.list.begin(), value.list.end(),
                                 [](const YamlValue& item) { return item.kind == YamlValue::Kind::kText; });
  if (words) {
    out[path] = absl::StrJoin(value.list, ", ",
                              [](std::string* text, const YamlValue& item) { text->append(item.text); });
    return;
  }
  std::map<std::string, int> uses;
  for (size_t i = 0; i < value.list.size(); ++i) {
    const std::string name = ItemName(value.list[i], i);
    const int use = ++uses[name];
    const std::string suffix = use == 1 ? "" : absl::StrCat("#", use);
    FlattenInto(value.list[i], absl::StrCat(path, "[", name, suffix, "]"), out);
  }
}

}  // namespace

const YamlValue* YamlValue::Find(std::string_view key) const {
  const auto it = std::find_if(map.begin(), map.end(), [&](const auto& item) { return item.key == key; });
  return it == map.end() ? nullptr : &it->value;
}

absl::StatusOr<YamlValue> ParseYaml(std::string_view yaml) {
  if (yaml.size() > kMaxBytes) {
    return absl::InvalidArgumentError("the directory is longer than 8 MiB");
  }
  YamlValue value;
  // yaml-cpp reports by exception; it ends here.
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() != 1) {
      return absl::InvalidArgumentError("the file must hold one YAML document");
    }
    RETURN_IF_ERROR(Converter().Convert(documents.front(), 0, value));
  } catch (const YAML::Exception& e) {
    return absl::InvalidArgumentError(absl::StrCat("not YAML: ", e.what()));
  }
  return value;
}

std::string WriteYaml(const YamlValue& value) {
  YAML::Emitter out;
  out.SetOutputCharset(YAML::EmitNonAscii);
  Emit(value, out);
  return absl::StrCat(out.c_str(), "\n");
}

std::map<std::string, std::string> Flatten(const YamlValue& value) {
  std::map<std::string, std::string> out;
  FlattenInto(value, "", out);
  return out;
}

std::string ItemName(const YamlValue& item, size_t position) {
  for (const char* key : {"id", "code", "origin", "fingerprint"}) {
    if (const YamlValue* name = item.Find(key); name != nullptr && !name->text.empty()) {
      return name->text;
    }
  }
  return absl::StrCat(position);
}

}  // namespace relais::directory::internal
