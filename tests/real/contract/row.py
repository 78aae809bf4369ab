"""A row of the comparison: what happens, what is expected of ours, and where AWS's adapter differs and why."""

import json
import queue
from dataclasses import dataclass, field

from support import DEADLINE

from .observe import SHOWN, observe
from .sandbox import Sandbox
from .wire import answer

# How long AWS's adapter may take where a row says that it never answers.
NEVER = 3


@dataclass
class Row:
    """`event` as JSON or as bytes; `app` answers it: the bytes of an answer, or a function of the request and the
    connection. `expect` is what must be seen of ours. `why` is the reason of all that AWS's adapter does otherwise, which
    the page shows; `instead` says it in words where it is never twice the same."""

    name: str
    event: object = None
    app: object = None
    settings: dict = field(default_factory=dict)
    invocation: dict = field(default_factory=dict)
    expect: dict = field(default_factory=dict)
    why: str = None
    instead: str = None
    shown: tuple = ()
    # Whether AWS's adapter never does what is waited for: it leaves the invocation without an answer, say.
    never: bool = False
    # Instead of one invocation: a function of the binary and of how long to wait for an answer; it gives the observation.
    scenario: object = None
    # Begun first, since they take long by their nature.
    slow: bool = False

    def __post_init__(self):
        assert set(self.shown) <= SHOWN, self.shown

    def run(self, binary, ours):
        try:
            patience = NEVER if self.never and not ours else DEADLINE
            return self.scenario(binary, patience) if self.scenario else self.once(binary, patience)
        except Exception as error:
            raise AssertionError(f"the row `{self.name}`, {'ours' if ours else 'theirs'}: {error!r}") from error

    def once(self, binary, patience):
        with Sandbox(binary, self.settings, serving(self.app)) as sandbox:
            sandbox.runtime.give(written(self.event), self.invocation)
            posted = sandbox.await_posted(patience)
            waits = posted is None and patience == NEVER and not sandbox.ended()
            then = "waits" if waits else sandbox.then(2)
            try:
                request = sandbox.app.requests.get_nowait()
            except queue.Empty:
                request = None
            return observe(sandbox, request, posted, then, self.shown)


def serving(app):
    """An answer as a function that gives it."""
    if app is None or callable(app):
        return app
    return lambda request, connection: app


def written(event):
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def plain(body=b"hello", status=200, kind="text/plain", headers=()):
    """A usual answer."""
    return answer(status, [("content-type", kind), *headers] if kind else headers, body)


def differences(ours, theirs):
    """What differs between two observations: where the outcomes do, the rest follows from that."""
    names = (
        ["outcome", "then"] if ours["outcome"] != theirs["outcome"] else [*ours, *(n for n in theirs if n not in ours)]
    )
    return {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}
