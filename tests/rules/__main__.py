"""Write docs/rules.md; fail for a rule without a test and for a mark without a rule."""

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
