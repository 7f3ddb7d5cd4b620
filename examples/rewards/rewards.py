"""Rewards for answers, from `cargo zero eval serve --listen 127.0.0.1:7000`.

    python3 rewards.py http://127.0.0.1:7000/ TASK ANSWER [TASK ANSWER]...
"""

import json
import sys
import urllib.error
import urllib.request


def rewards(url: str, answers: list[tuple[str, str]]) -> list[dict]:
    """What each answer to a task is worth: `verdict`, `reward` from 0 to 1, `fuel`, `instructions`; in the same order."""
    batch = {"samples": [{"task": task, "answer": answer} for task, answer in answers]}
    request = urllib.request.Request(url, json.dumps(batch).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)["results"]


if __name__ == "__main__":
    url, *words = sys.argv[1:]
    try:
        for one in rewards(url, list(zip(words[::2], words[1::2], strict=True))):
            print(f"{one['reward']:.3f} {one['task']} {one['verdict']}")
    except urllib.error.HTTPError as error:
        sys.exit(json.load(error)["error"])
