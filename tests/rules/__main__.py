"""Write docs/rules.md. Fail if a rule has no test or a mark names an unknown rule."""

from __future__ import annotations

import sys

from tests.rules.listing import PAGE, groups, page, problems, rule_tests


def main() -> int:
    rules, tests = groups(), rule_tests()
    found = problems(rules, tests)
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        PAGE.write_text(page(rules, tests))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
