#!/usr/bin/env python3
"""awaits.py finds what it is for, and nothing else."""
import unittest

import awaits

BAD = {
    "a lambda among the arguments": "x = co_await Run([t] { return t; });",
    "a lambda deeper down": "x = co_await Run(Wrap(1, [&](int a) { return a; }));",
    "an aggregate among the arguments": "x = co_await Take(Agg{T(1), 2});",
    "a nameless one": "x = co_await Take({T(1), 2});",
    "an aggregate that is awaited": "co_await Submission{*writer, ticket};",
    "a conditional among the arguments": "co_await Save(row, last ? A() : from.ToBytes());",
    "an operand over several lines": "const auto x =\n    co_await Take(first,\n                  Agg{second});",
    "in our macro": "CO_ASSIGN_OR_RETURN(auto x, co_await Take(Agg{1}));",
    "a condition": "if (co_await Ready()) { Go(); }",
    "an argument": "Use(co_await Get());",
    "a second argument": "Use(1, co_await Get());",
    "a member of the result": "auto x = (co_await Get()).status();",
    "an operator": "int x = co_await Get() + 1;",
    "a negation": "bool x = !co_await Get();",
    "a capturing coroutine": "auto f = [this](int a) -> Task<int> { co_return a; };",
    "one that captures all": "Post([&] { if (a) { co_await b; } });",
}
GOOD = {
    "a statement": "co_await Get();",
    "an assignment": "x = co_await Get(std::move(a), b[i], c<int>(d));",
    "a return": "co_return co_await store.Commit(std::move(commit));",
    "our macro": "CO_ASSIGN_OR_RETURN(auto x, co_await peers_.check(std::move(request), timeout));",
    "our macro over lines": "CO_ASSIGN_OR_RETURN(\n      Result result, co_await Change(call, std::make_shared<A>(b)));",
    "our other macro": "CO_RETURN_IF_ERROR(co_await Write());",
    "an awaiter by reference": "co_await *core->waiters[i];",
    "a discarded result": "if (a) co_await Get();",
    "a branch": "if (a) { co_await Get(); } else { x = co_await Got(); }",
    "named first": "const Agg agg{T(1), 2};\nx = co_await Take(agg);",
    "a lambda before": "const auto f = [t] { return t; };\nx = co_await Run(f);",
    "a coroutine without captures": "return [](int a) -> Task<int> { co_return a; }(1);",
    "a lambda inside a coroutine": "auto f = [&] { return 1; };\nco_return f();",
    "a class inside a lambda": "auto f = [&] { struct A { Task<int> Go() { co_return 1; } }; return A(); };",
    "an operator that is declared": "auto operator co_await() const { return Awaiter{state_}; }",
    "a comment": "// x = co_await Take(Agg{1});\n/* Use(co_await Get()); */",
    "a comment before": "if (a) {\n  // Why.\n  co_await Get();\n}",
    "a literal": 'Say("co_await Take(Agg{1})"); Say(R"(Use(co_await Get()))"); char c = \'{\';',
    "an attribute and a subscript": "[[maybe_unused]] auto x = co_await a[0](b);",
}


class AwaitsTest(unittest.TestCase):
    def test_planted_cases_are_found_once(self):
        for name, code in BAD.items():
            with self.subTest(name):
                found = list(awaits.problems_of("Task<int> F() {\n" + code + "\n}\n"))
                self.assertEqual(len(found), 1, found)
                self.assertIn(found[0][0], (2, 3))

    def test_nothing_else_is(self):
        for name, code in GOOD.items():
            with self.subTest(name):
                self.assertEqual(list(awaits.problems_of("Task<int> F() {\n" + code + "\n}\n")), [])


if __name__ == "__main__":
    unittest.main()
