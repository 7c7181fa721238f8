#!/usr/bin/env python3
"""Which sources clang-tidy may look at together."""
import unittest

import tidy

ONE = """
namespace relais {
namespace {

using common::v1::Ground;
namespace v1 = relais::audit::v1;

constexpr char kFormat = 1;
constexpr std::array<char, 2> kPair = {'(', ')'};
const auto kOther{3};

class [[nodiscard]] Reader final : public Source {
  int inside = 0;
};

template <typename T>
absl::StatusOr<std::function<void(int)>> Find(const std::map<T, int>& all, int from = 0) {
  return all;
}

Task<absl::Status> WithALongName(
    int a);

}  // namespace

int Seen() { return 1; }

}  // namespace relais
"""


class LocalNames(unittest.TestCase):
    def test_all_that_unnamed_namespaces_declare(self):
        self.assertEqual(set(tidy.local_names(ONE)),
                         {"Ground", "v1", "kFormat", "kPair", "kOther", "Reader", "Find", "WithALongName"})

    def test_a_program_is_named_main(self):
        self.assertEqual(set(tidy.local_names("int main(int argc, char** argv) {\n")), {"main"})


class Clash(unittest.TestCase):
    def between(self, one, other):
        def names(text):
            return tidy.local_names(f"namespace {{\n{text}\n}}  // namespace\n")
        return tidy.clash(names(one), names(other))

    def test_the_same_name(self):
        self.assertTrue(self.between("int Count();\nint A();", "int Count();\nint B();"))
        self.assertTrue(self.between("class Run {", "int Run();"))

    def test_other_names(self):
        self.assertFalse(self.between("int A();", "int B();"))

    def test_the_same_alias_of_the_same_thing(self):
        self.assertFalse(self.between("using x::A;", "using x::A;\nint B();"))
        self.assertTrue(self.between("using x::A;", "using y::A;"))
        self.assertTrue(self.between("using x::A;", "struct A {"))


if __name__ == "__main__":
    unittest.main()
