"""The notes and comments of the demo world. `<<Rota>>` in a text is a link to that note."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LaterAction:
    """An action on a note, some days after it was written."""

    what: str  # comment, confirm, edit, pin
    who: str
    days_later: float
    text: str = ""
    replies: tuple[LaterAction, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoNote:
    title: str
    author: str
    days_ago: float
    text: str
    place: str = "kitchen"
    tenant: str = "garden"
    later_actions: tuple[LaterAction, ...] = field(default=())


WELCOME = """\
This is where we plan what we cook, who cleans, and what we need.

- Look at the **rota** before you promise anything.
- Write down what you used up.
- If something breaks, say so here: nobody minds.

Scout reads along and reminds us of what we forget.
"""

KNIVES = """\
A dull knife slips, a sharp one cuts. So:

1. Rinse at once, dry by hand, never in the machine.
2. Back on the magnet, edge to the left.
3. On Sundays whoever cooks gives every blade ten strokes on the fine stone.

The bread knife goes to the grinder in spring.
"""

ROTA = """\
| Day | Cooks | Cleans |
| --- | --- | --- |
| Monday | Alice | Bob |
| Wednesday | Bob | Erin |
| Friday | Erin | Alice |
| Sunday | whoever is up first | everybody |

Swap freely, but write the swap here.
"""

BREAD = """\
What works in our oven, after a winter of trying.

```python
def water(flour_grams: int, hydration: float = 0.72) -> int:
    return round(flour_grams * hydration)
```

- 1 kg of flour, 720 g of water, 20 g of salt, 200 g of starter
- four folds in two hours, then the night in the cold
- 45 minutes at 230 °C, the first 20 covered

More about flour at [the mill's page](https://example.com/mill).

![A loaf, cut open](https://example.com/loaf.jpg)
"""

RIGHT_TO_LEFT = """\
וצריך לזכור: המקרר העליון לבשר בלבד.

הירקות למטה, החלב בדלת, וכל מה שנפתח מקבל תאריך.
"""

INVENTORY_LINE = "- {what}: {count} left, the next order is due in {days} days\n"


def inventory() -> str:
    """Return a list so long that a page shows only its beginning."""
    goods = ("flour", "oats", "lentils", "rice", "oil", "salt", "sugar", "tea", "coffee", "beans")
    lines = [
        INVENTORY_LINE.format(
            what=f"{goods[n % 10]}, shelf {n // 10 + 1}", count=n % 7, days=n % 27 + 2
        )
        for n in range(80)
    ]
    return "Counted on a quiet afternoon, shelf by shelf.\n\n" + "".join(lines)


NOTES: tuple[DemoNote, ...] = (
    DemoNote(
        "Welcome to the kitchen",
        "alice",
        56,
        WELCOME,
        later_actions=(
            LaterAction("pin", "alice", 0.1),
            LaterAction("confirm", "bob", 1),
            LaterAction("confirm", "scout", 20),
            LaterAction(
                "comment",
                "bob",
                1.1,
                "Good start. Where do we write the shopping list?",
                replies=(
                    LaterAction(
                        "comment",
                        "alice",
                        1.2,
                        "In a note of its own, newest on top.",
                        replies=(LaterAction("comment", "bob", 1.3, "Then I will open one."),),
                    ),
                ),
            ),
            LaterAction(
                "comment", "scout", 21, "I read this every morning and tell you what is new."
            ),
        ),
    ),
    DemoNote("Rota", "bob", 52, ROTA, later_actions=(LaterAction("confirm", "alice", 0.5),)),
    DemoNote(
        "Knife care",
        "bob",
        33,
        KNIVES,
        later_actions=(
            LaterAction("confirm", "alice", 1),
            LaterAction("comment", "alice", 1.5, "The stone is in the second drawer now."),
        ),
    ),
    DemoNote("Bread that works here", "alice", 26, BREAD),
    DemoNote("Where things go in the fridge", "alice", 19, RIGHT_TO_LEFT),
    DemoNote("What is on the shelves", "scout", 13, inventory()),
    DemoNote("Compost", "bob", 12, "The bin goes out on Tuesdays. No citrus, no bones."),
    DemoNote(
        "Oven on the left is slow",
        "bob",
        10,
        "It takes half an hour to get to 200 °C.",
        later_actions=(
            LaterAction(
                "edit",
                "bob",
                8,
                "It takes half an hour to get to 200 °C. The fan is back: twenty minutes now."
                " It shows in the <<Gas bill>>.",
            ),
        ),
    ),
    DemoNote("", "alice", 7, "Somebody left the window open overnight.\n\nNo harm done."),
    DemoNote("Open day in spring", "alice", 5, "Forty people came last year. Soup for fifty?"),
    DemoNote(
        "Gas bill",
        "bob",
        3,
        "Lower than last month, now that we know why the <<Oven on the left is slow>>.",
    ),
    DemoNote(
        "This morning's round",
        "scout",
        1.2,
        "Two notes are new since Monday, and nobody has confirmed the rota since the swap.",
        later_actions=(LaterAction("comment", "alice", 0.1, "Thank you, I will look."),),
    ),
    DemoNote("Tea is out", "bob", 0.2, "The last of the black tea went this morning."),
    DemoNote(
        "Treasury basics",
        "carol",
        30,
        "What comes in is written down the same day. Two of us sign what goes out.",
        place="treasury",
    ),
    DemoNote(
        "Board minutes",
        "carol",
        14,
        "Present: the board. Decided: to meet every month, and to keep it short.",
        place="board",
    ),
    DemoNote(
        "The garden opens at eight",
        "carol",
        9,
        "From April on the gate is open at eight. Whoever comes first waters the seedlings.",
        place="",
        later_actions=(LaterAction("confirm", "bob", 1),),
    ),
    DemoNote(
        "Workshop safety",
        "dave",
        21,
        "Goggles at the saw, always. The red button stops everything.",
        place="workshop",
        tenant="harbor",
    ),
    DemoNote(
        "Base camp checklist",
        "dave",
        17,
        "- [x] ropes checked\n- [ ] stove fuel\n- [ ] weather for three days",
        place="basecamp",
        tenant="summit",
    ),
)
