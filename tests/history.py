"""What clients asked of one key, when, and what they were told; and whether some order explains it.

The search is Wing and Gong's: of the calls that may come next, each is tried, and a state that
was seen with the same calls done is not tried again.
"""

import math
from dataclasses import dataclass

NOTHING = None
# What a call is answered; other calls were never answered, and may happen late or never.
DONE, REFUSED = "done", "refused"


@dataclass(frozen=True)
class Call:
    """`read` found `value`; `write` and `delete` did, or were refused for `condition`."""

    what: str
    begun: float
    # Infinite when no answer came.
    ended: float = math.inf
    answer: str | None = None
    value: str | None = NOTHING
    # None: any; "absent": only where there is nothing; else the value that must be there.
    condition: str | None = None

    def holds(self, state):
        return self.condition is None or (
            state is NOTHING if self.condition == "absent" else state == self.condition
        )

    def after(self, state):
        """The states that this call, as it was answered, may leave `state` as: one or none."""
        if self.what == "read":
            return [state] if state == self.value else []
        if self.answer == REFUSED:
            return [] if self.holds(state) else [state]
        if not self.holds(state):
            return []
        return [NOTHING if self.what == "delete" else self.value]


def is_linearizable(calls):
    """Whether the key, with nothing under it at first, may have answered so."""
    calls = sorted(calls, key=lambda call: call.begun)
    answered = sum(1 << n for n, call in enumerate(calls) if call.answer)
    seen, tries = set(), [(0, NOTHING)]
    while tries:
        done, state = tries.pop()
        if done & answered == answered:
            return True
        left = [(n, call) for n, call in enumerate(calls) if not done >> n & 1]
        # Whatever was answered before a call began happened before it.
        latest = min(call.ended for _, call in left)
        for n, call in left:
            if call.begun > latest:
                break
            for after in call.after(state):
                step = (done | 1 << n, after)
                if step not in seen:
                    seen.add(step)
                    tries.append(step)
    return False
