#!/usr/bin/env python3
"""Enforces the rules of common/base/task.h that GCC 12 does not check and miscompiles.

An awaited expression holds no lambda, no braced temporary and no conditional (GCC 12 destroys lambdas, aggregates and
what either branch made twice); co_await
stands alone on the right of an assignment, as a statement, after co_return or in CO_ASSIGN_OR_RETURN; a lambda with
captures is no coroutine (they die before it resumes).
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Comments and literals, which may hold anything; then words and the operators of more than one character.
SKIPPED = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'", re.DOTALL)
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w'.]*|::|->|<<=?|[<>=!+\-*/%&|^]=|&&|\|\||\+\+|--|\S")
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
BEFORE = {";", "{", "}", ":", ")", "=", "co_return", "else", "do"}
MACROS = {"CO_ASSIGN_OR_RETURN", "CO_RETURN_IF_ERROR"}
BINARY = {"?", "+", "/", "%", "^", "|", "<<", "==", "!=", "<=", ">=", "&&", "||", "="}


class Source:
    """The tokens of a file, with their lines and matching brackets."""

    def __init__(self, text):
        text = SKIPPED.sub(lambda m: (" " if m.group().startswith("/") else " _ ") + "\n" * m.group().count("\n"), text)
        found = list(TOKEN.finditer(text))
        self.tokens = [match.group() for match in found]
        self.lines, line, at = [], 1, 0
        for match in found:
            line += text.count("\n", at, match.start())
            at = match.start()
            self.lines.append(line)
        self.match, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token in OPEN:
                stack.append(i)
            elif token in CLOSE and stack:
                start = stack.pop()
                self.match[start], self.match[i] = i, start

    def token(self, i):
        return self.tokens[i] if 0 <= i < len(self.tokens) else ""

    def is_lambda(self, i):
        """A '[' that begins a lambda, not a subscript, an attribute or an array's size."""
        before = self.token(i - 1)
        return (self.token(i) == "[" and self.token(i + 1) != "[" and before != "[" and before not in (")", "]")
                and (not re.match(r"\w", before) or before in ("return", "co_return", "co_await"))
                and self.token(self.match.get(i, i) + 1) in ("(", "{", "<", "mutable", "->"))

    def body_of_lambda(self, i):
        """Index of the '{' of the lambda that begins at i; None when there is none."""
        i = self.match.get(i, len(self.tokens)) + 1
        while i < len(self.tokens) and self.tokens[i] not in ("{", ";", ")", "]", "}"):
            i = self.match.get(i, i) + 1 if self.tokens[i] in ("(", "[") else i + 1
        return i if self.token(i) == "{" else None

    def end_of_operand(self, i):
        """Index of what ends the expression that begins at i: ';', ',' or a closing bracket."""
        while i < len(self.tokens) and self.tokens[i] not in (";", ",") and self.tokens[i] not in CLOSE:
            i = self.match.get(i, i) + 1
        return i


def place_problem(source, i):
    before = source.token(i - 1)
    if before in BEFORE:
        return None
    # The last argument of one of our macros.
    depth, at = 0, i - 1
    while at >= 0 and before in (",", "("):
        depth += (source.tokens[at] in CLOSE) - (source.tokens[at] in OPEN)
        if depth < 0:
            return None if source.token(at - 1) in MACROS else "co_await inside a larger expression"
        at -= 1
    return "co_await inside a larger expression"


def operand_problem(source, i):
    end = source.end_of_operand(i + 1)
    at, arguments = i + 1, 0
    while at < end:
        token = source.tokens[at]
        if source.is_lambda(at):
            return "a lambda in an awaited expression: name it first"
        if token == "{":
            return "a braced temporary in an awaited expression: name it first"
        if token == "?":
            return "a conditional in an awaited expression: name it first"
        if token in BINARY and arguments == 0:
            return "co_await inside a larger expression"
        arguments += (token == "(") - (token == ")")
        at += 1
    return None


def coroutine_lambdas(source):
    bodies, classes = {}, set()
    for i, token in enumerate(source.tokens):
        if source.is_lambda(i) and source.body_of_lambda(i) is not None:
            bodies[source.body_of_lambda(i)] = source.match[i] - i > 1
        if token in ("struct", "class", "union"):
            head = i + 1
            while source.token(head) not in ("{", ";", "(", ")", ">", ",", ""):
                head += 1
            if source.token(head) == "{":
                classes.add(head)
    stack = []
    for i, token in enumerate(source.tokens):
        if token == "{":
            stack.append(i)
        elif token == "}" and stack:
            stack.pop()
        elif token in ("co_await", "co_return", "co_yield") and source.token(i - 1) != "operator":
            inner = next((brace for brace in reversed(stack) if brace in bodies or brace in classes), None)
            if bodies.get(inner):
                yield i


def problems_of(text):
    """(line, what is wrong) of every violation."""
    source = Source(text)
    for i, token in enumerate(source.tokens):
        if token == "co_await" and source.token(i - 1) != "operator":
            problem = operand_problem(source, i) or place_problem(source, i)
            if problem:
                yield source.lines[i], problem
    for i in coroutine_lambdas(source):
        yield source.lines[i], "a lambda with captures is a coroutine: write a function"


def main():
    problems, awaits = [], 0
    for folder in ("common", "services", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cc", ".h"):
                text = path.read_text(encoding="utf-8")
                awaits += text.count("co_await")
                problems += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in problems_of(text)]
    print("\n".join(problems) if problems else f"awaits: {awaits} looked at, none breaks the rules")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
