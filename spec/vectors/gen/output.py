"""Collects vectors, and writes them or compares them with what is there."""

import json
import os
import shutil


class Area:
    """A folder of vectors: one fault a file, and an index that says what each one shows."""

    def __init__(self, name, spec):
        self.name, self.spec = name, spec
        self.files, self.vectors = {}, []

    def add(self, file, data, section, shows, expect="ok", **more):
        """Adds a vector with a file of its own."""
        self.put(file, data)
        self.case(section, shows, expect, file, **more)

    def case(self, section, shows, expect="ok", file=None, **more):
        """Adds a vector that stands in the index alone, or uses files that were put there."""
        named = {"file": file} if file else {}
        self.vectors.append({**named, "expect": expect, "section": section, "shows": shows, **more})

    def put(self, file, data):
        data = data.encode() if isinstance(data, str) else data
        if self.files.get(file, data) != data:
            raise ValueError(f"{self.name}/{file} is written twice")
        self.files[file] = data

    def tree(self):
        # A line for each vector; ensure_ascii keeps deceptive characters out of what people read.
        lines = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in self.vectors)
        text = f'{{"spec": "{self.spec}", "vectors": [\n{lines}\n]}}\n'
        files = {**self.files, "index.json": text.encode()}
        return {f"{self.name}/{file}": data for file, data in files.items()}


def on_disk(folder, areas):
    found = {}
    for area in areas:
        for parent, _, names in os.walk(os.path.join(folder, area)):
            for name in names:
                path = os.path.join(parent, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return found


def write(folder, areas):
    for area in areas:
        shutil.rmtree(os.path.join(folder, area.name), ignore_errors=True)
        for path, data in area.tree().items():
            path = os.path.join(folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)


def differences(folder, areas):
    expected = {}
    for area in areas:
        expected.update(area.tree())
    found = on_disk(folder, [area.name for area in areas])
    return sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))
