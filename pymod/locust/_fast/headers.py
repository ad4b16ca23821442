"""Header fields of requests and replies."""


class Headers(dict):
    """Header fields: the names in any case, each with one value or several.

    As a dict it has the names in lower case, and for each of them the list of its (name, value).
    """

    def __init__(self, headers=None, **more):
        super().__init__()
        self.extend(headers or (), **more)

    def __setitem__(self, name, value):
        values = value if isinstance(value, (list, tuple)) else [value]
        super().__setitem__(name.lower(), [(name, one) for one in values])

    def __getitem__(self, name):
        values = [value for _, value in super().__getitem__(name.lower())]
        return values[0] if len(values) == 1 else values

    def __delitem__(self, name):
        super().__delitem__(name.lower())

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def __eq__(self, other):
        if not hasattr(other, "keys"):
            return False
        other = other if isinstance(other, Headers) else Headers(other)
        return {name: self[name] for name in self} == {name: other[name] for name in other}

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    def __len__(self):
        """The number of lines."""
        return sum(len(lines) for lines in super().values())

    def __repr__(self):
        return f"{type(self).__name__}({self.compatible_dict()})"

    def __str__(self):
        return "\n".join(f"{name}: {value}" for name, value in self.items())

    def __or__(self, other):
        merged = self.copy()
        merged.update(other)
        return merged

    def __ior__(self, other):
        self.update(other)
        return self

    def __reduce__(self):
        return type(self), (list(self.items()),)

    def get(self, name, default=None):
        """The value, or the list of them; default if there is none."""
        return self[name] if name in self else default

    def getlist(self, name):
        """All values of a name, maybe none."""
        return [value for _, value in super().get(name.lower(), ())]

    getheaders = getallmatchingheaders = getlist

    def get_all(self, name, default=None):
        """All values of a name, or default if there is none."""
        return self.getlist(name) or default

    def add(self, name, value):
        """Adds lines, leaving those that are there."""
        for one in value if isinstance(value, (list, tuple)) else [value]:
            super().setdefault(name.lower(), []).append((name, one))

    def discard(self, name):
        """Deletes a name, if it is there."""
        if name in self:
            del self[name]

    def pop(self, name, *default):
        """Deletes a name and returns its value; the default, if given, if it is not there."""
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def setdefault(self, name, default=""):
        """The value, set to default if there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def extend(self, headers=(), **more):
        """Adds the lines of a mapping or of pairs."""
        for name, value in [*_lines_of(headers), *more.items()]:
            self.add(name, value)

    def update(self, headers=(), **more):
        """Sets the names of a mapping or of pairs; other names stay."""
        if isinstance(headers, Headers):
            headers = {name: headers.getlist(name) for name, _ in headers.itermerged()}
        for name, value in [*_lines_of(headers), *more.items()]:
            self[name] = value

    def copy(self):
        """Another one with the same lines."""
        return type(self)(self)

    def items(self):
        """(name, value) of each line, those of one name together."""
        for lines in super().values():
            yield from lines

    def keys(self):
        """The names, in lower case."""
        return list(self)

    def values(self):
        """The value, or the list of them, of each name."""
        return [self[name] for name in self]

    def itermerged(self):
        """(name, value) of each name, several values joined by commas."""
        for lines in super().values():
            yield lines[0][0], ", ".join(str(value) for _, value in lines)

    def iterlower(self):
        """(name in lower case, value) of each line."""
        for name, value in self.items():
            yield name.lower(), value

    def compatible_dict(self):
        """An ordinary dict, several values joined by commas."""
        return dict(self.itermerged())


def _lines_of(headers):
    if isinstance(headers, Headers):
        return list(headers.items())
    if hasattr(headers, "keys"):
        return [(name, headers[name]) for name in headers.keys()]
    return list(headers)
