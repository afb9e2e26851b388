"""Finds the cells of nested records by the dotted names of their columns."""


def is_list(name):
    """Names that end in `[]` are lists."""
    return name.endswith("[]")


def bare(name):
    """The name without its mark."""
    return name.removesuffix("[]")


def names_of(record, wanted):
    """The names asked for, or the record's own where none were."""
    return list(wanted) if wanted else list(record)


def pick(record, names):
    """The values under the names; a missing one or one too many is an error."""
    left = dict(record)
    found = [take(left, bare(name).split(".")) for name in names]
    if prune(left):
        raise KeyError(f"not asked for, but in the file: {sorted(prune(left))}")
    return found


def take(record, path):
    """Takes the value at the path out of the record. Dots may also be part of a key."""
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        if key not in record:
            continue
        if length == len(path):
            return record.pop(key)
        if isinstance(record[key], dict):
            record[key] = dict(record[key])
            return take(record[key], path[length:])
    raise KeyError(f"{'.'.join(path)} is not in the file")


def prune(record):
    """What is left, without the empty shells of what was taken."""
    pruned = {}
    for key, value in record.items():
        if isinstance(value, dict):
            value = prune(value)
            if not value:
                continue
        pruned[key] = value
    return pruned
