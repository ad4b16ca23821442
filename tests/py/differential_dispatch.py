"""Dispatch cycles that must come out the same here and with another Locust.

Run as a program it prints one JSON object: for each seed what a dispatcher gave. It uses nothing
but Locust's public names, so that any interpreter that can import locust can run it.
"""

import itertools
import json
import random

from locust.dispatch import UsersDispatcher, _kl_generator
from locust.runners import WorkerNode


def some_classes():
    """One to five classes: weights, fractions, and fixed counts."""
    made = []
    for name in random.sample("ABCDEFG", random.randint(1, 5)):
        fixed = random.choice([0, 0, 0, 1, 2, 5])
        weight = random.choice([0.25, 0.5, 1, 1, 1, 2, 3, 5, 10])
        made.append(type(name, (), {"weight": weight, "fixed_count": fixed}))
    return made


def some_nodes():
    return [WorkerNode(f"{random.choice(['h1', 'h2', 'host'])}_{n}") for n in range(random.randint(1, 6))]


def cycle(dispatcher, trace, target, rate, classes):
    dispatcher.new_dispatch(target, rate, classes)
    dispatcher._wait_between_dispatch = 0
    for given in dispatcher:
        trace.append(given)
    trace.append([dispatcher.get_current_user_count(), dispatcher.dispatch_in_progress])


def ramps(seed):
    """Ramps up and down, to other classes, with workers that come and go."""
    random.seed(seed)
    classes, nodes, trace = some_classes(), some_nodes(), []
    weighted = any(not c.fixed_count for c in classes)
    dispatcher = UsersDispatcher(list(nodes), classes)
    trace.append([[node.id, node._index_within_host] for node in nodes])
    for step in range(6):
        subset = random.sample(classes, random.randint(1, len(classes))) if random.random() < 0.2 else None
        most = 60 if weighted and subset is None else 8
        cycle(dispatcher, trace, random.randint(0, most), random.choice([0.5, 1, 1.5, 3, 7.9, 100]), subset)
        what = random.random()
        if what < 0.2:
            nodes.append(WorkerNode(f"late_{step}"))
            dispatcher.add_worker(nodes[-1])
        elif what < 0.4 and len(nodes) > 1:
            dispatcher.remove_worker(nodes.pop(random.randrange(len(nodes))))
    for name in sorted(c.__name__ for c in classes):
        trace.append([name, dispatcher._get_user_current_count(name)])
    return trace


def as_from_zero(seed):
    """_distribute_users(), and what its iterators go on with."""
    random.seed(seed)
    classes, nodes = some_classes(), some_nodes()
    dispatcher = UsersDispatcher(nodes, classes)
    counts, users, workers, active = dispatcher._distribute_users(random.randint(5, 80))
    return [
        counts,
        list(itertools.islice(users, 20)) if any(not c.fixed_count for c in classes) else None,
        [node.id for node in itertools.islice(workers, 8)],
        [[node.id, name] for node, name in active],
    ]


def choices(seed):
    """_kl_generator() by itself."""
    random.seed(seed)
    pairs = [(name, random.choice([-1, 0, 0.1, 0.5, 1, 1, 2, 3, 7, 100])) for name in random.sample("abcdef", 4)]
    return list(itertools.islice(_kl_generator(iter(pairs)), 200))


def main():
    result = {}
    for scenario, runs in ((ramps, 400), (as_from_zero, 100), (choices, 100)):
        for seed in range(runs):
            result[f"{scenario.__name__} {seed}"] = scenario(seed)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
