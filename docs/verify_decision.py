#!/usr/bin/env python3
"""Check the export of a decision, using only Python's standard library.

    curl -H "Authorization: Bearer $TOKEN" https://…/d/8d2b91c4/verify.json > verify.json
    python3 verify.py verify.json            # --fetch compares with the beacon's relay

Exits with 0 if every check passed or was skipped, and with 1 if a check failed.
"""

from __future__ import annotations

import hashlib
import json
import sys
import unicodedata
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

GENESIS, PERIOD = 1_692_803_367, 3
Json = dict[str, Any]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def facts_of(entry: Json) -> Json:
    try:
        facts = json.loads(entry["metadata"] or "{}")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def entry_hash(entry: Json) -> str:
    actor = [entry["actor_token"]]
    if entry["schema_version"] == "1":
        actor = [entry["actor_id"], entry["actor_handle"]]
    return sha256(
        "|".join(
            [
                "v" + entry["schema_version"],
                entry["previous_hash"],
                entry["sequence_number"],
                entry["action"],
                *actor,
                nfc(entry["option_title"]),
                entry["accepted"],
                entry["preferred"],
                entry["metadata"],
                entry["created_at"],
            ]
        )
    )


def is_bound(entry: Json, decision_id: str) -> bool:
    """Return whether the token of an entry belongs to its actor."""
    if entry["schema_version"] == "1":
        return True
    if not entry["actor_token"]:
        return not (entry["actor_id"] or entry["actor_token_salt"])
    if not (entry["actor_id"] and entry["actor_token_salt"]):
        return True  # the account was erased
    parts = (decision_id, entry["actor_id"], entry["actor_handle"], entry["actor_token_salt"])
    return sha256("|".join(parts)) == str(entry["actor_token"])


def check_chain(export: Json) -> Iterator[str]:
    decision, entries = export["decision"], export["audit_chain"]
    closing = "decision_closed" if decision["subtype"] == "executive" else "beacon_drawn"
    previous = ""
    last: Json | None = None
    for number, entry in enumerate(entries, start=1):
        name = f"entry {entry['sequence_number']} ({entry['action']})"
        if entry["schema_version"] not in ("1", "2"):
            yield name + ": unknown schema version"
        if entry["sequence_number"] != str(number):
            yield name + ": sequence gap"
        if entry["previous_hash"] != previous:
            yield name + ": chain link broken"
        if entry_hash(entry) != entry["entry_hash"]:
            yield name + ": hash mismatch"
        if not is_bound(entry, decision["id"]):
            yield name + ": tamper_or_scrub_inconsistent"
        previous = entry["entry_hash"]
        last = entry if entry["action"] == closing else last
    if (last["entry_hash"] if last else None) != decision["audit_chain_hash"]:
        yield f"{last['action'] if last else 'No ' + closing}: chain hash mismatch"
    yield from check_decision(decision, entries)


def check_decision(decision: Json, entries: list[Json]) -> Iterator[str]:
    """Compare the question and the type in the export with those in the chain."""
    question = subtype = None
    for entry in entries:
        facts = facts_of(entry)
        if entry["action"] == "decision_created":
            question, subtype = facts.get("question"), facts.get("subtype")
        if entry["action"] == "decision_updated" and "question" in facts:
            question = facts["question"][1]
    if entries and question is not None and nfc(decision["question"]) != question:
        yield "the question differs from the one in the chain"
    if entries and subtype is not None and decision["subtype"] != subtype:
        yield "the type of the decision differs from the one in the chain"


def check_tallies(export: Json) -> Iterator[str]:
    votes: dict[str, dict[str, tuple[bool, bool]]] = {}
    for entry in export["audit_chain"]:
        title, facts = nfc(entry["option_title"]), facts_of(entry)
        if entry["action"] in ("vote_cast", "vote_updated"):
            actor = entry["actor_id" if entry["schema_version"] == "1" else "actor_token"]
            cast = entry["accepted"] == "1", entry["preferred"] == "1"
            votes.setdefault(title, {})[actor] = cast
        elif entry["action"] == "option_removed":
            votes.pop(title, None)
        elif entry["action"] == "option_updated":
            old, new = (nfc(str(facts.get(name))) for name in ("old_title", "new_title"))
            votes[new] = votes.pop(old, {})
    for row in export["results"] if votes else ():
        found = votes.pop(nfc(row["option_title"]), {}).values()
        sums = sum(yes for yes, _ in found), sum(best for _, best in found)
        if sums != (row["accepted_yes"], row["preferred"]):
            title = row["option_title"]
            yield f"option '{title}': the chain adds up to (accepted, preferred) = {sums}"
    for title in (title for title, left in votes.items() if left):
        yield f"option '{title}' has votes in the chain but no result"


def check_beacon(export: Json, is_fetching: bool) -> Iterator[str]:
    decision, beacon = export["decision"], export["beacon"]
    drawn = [entry for entry in export["audit_chain"] if entry["action"] == "beacon_drawn"]
    facts = facts_of(drawn[0]) if drawn else {}
    number, randomness = beacon["round"], beacon["randomness"]
    if (facts.get("round"), facts.get("randomness")) != (number, randomness):
        yield "the beacon differs from the entry in the chain"
    if (decision["lottery_beacon_round"], decision["lottery_beacon_randomness"]) != (
        number,
        randomness,
    ):
        yield "the beacon differs from the decision"
    if beacon.get("verification_url") and number != round_after(decision["deadline"]):
        yield f"round {number} is not the first after the deadline"
    for row in export.get("results", ()):
        if row.get("lottery_sort_key") != sha256(randomness + nfc(row["option_title"])):
            yield f"option '{row['option_title']}': the sort key does not match the randomness"
    url = beacon.get("verification_url", "")
    if is_fetching and url.startswith("https://"):
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 https only
            if json.load(answer)["randomness"] != randomness:
                yield "the beacon published different randomness"


def round_after(deadline: str) -> int:
    moment = datetime.strptime(deadline[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return max(2, (int(moment.timestamp()) - GENESIS) // PERIOD + 2)


def main(arguments: list[str]) -> int:
    is_fetching = "--fetch" in arguments
    files = [each for each in arguments if not each.startswith("--")]
    with open(files[0], encoding="utf-8") if files else sys.stdin as file:
        export = json.load(file)
    checks = (
        ("Chain integrity", "", check_chain(export)),
        ("Vote tallies", _missing(export, "results"), check_tallies(export)),
        ("Beacon verification", _missing(export, "beacon"), check_beacon(export, is_fetching)),
    )
    has_failed = False
    for name, reason, check in checks:
        errors = [] if reason else list(check)
        has_failed |= bool(errors)
        print(f"{name}: {'FAIL' if errors else f'SKIPPED, {reason}' if reason else 'PASS'}")
        for error in errors:
            print(f"  {error}")
    print(f"{len(export['audit_chain'])} entries verified")
    return int(has_failed)


def _missing(export: Json, part: str) -> str:
    """Return the reason to skip a check, or ""."""
    return "" if part in export else f"this export has no {part}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
